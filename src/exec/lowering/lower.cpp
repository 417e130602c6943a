#include "exec/lowering/lower.h"

#include <algorithm>

#include "exec/lowering/byte_weights.h"
#include "exec/lowering/channels_last.h"
#include "exec/lowering/compact.h"
#include "exec/lowering/fold_tables.h"
#include "exec/lowering/fuse_activation.h"
#include "exec/lowering/fuse_attention.h"
#include "exec/lowering/fuse_conv_chain.h"
#include "exec/lowering/fuse_conv_pair.h"
#include "exec/lowering/fuse_float.h"
#include "exec/lowering/fuse_focus.h"
#include "exec/lowering/fuse_lookup.h"
#include "exec/lowering/fuse_product_bias.h"
#include "exec/lowering/fuse_qdq.h"
#include "exec/lowering/fuse_resize.h"
#include "exec/lowering/fuse_rows_to_bytes.h"
#include "exec/lowering/fuse_scale_shift.h"
#include "graph/bodies.h"
#include "graph/unread_constants.h"

namespace q8 {

namespace {

// Of bodies only what the file says of their numbers is made integer; they keep their layout.
void fuse_bodies(Graph& graph) {
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [](Graph& body) {
      fuse_qdq(body, {});
      dequantize_constants(body, {});
      fuse_bodies(body);
    });
}

}  // namespace

bool is_shown(const LoweredGraph& lowered, ValueId value, const std::vector<ValueId>& keep) {
  const ValueId origin = lowered.origins[static_cast<std::size_t>(value)].value;
  return origin != kNoValue && std::ranges::find(keep, origin) != keep.end();
}

std::vector<ValueId> shown_values(const LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  std::vector<ValueId> shown;
  for (ValueId id = 0; id < lowered.graph.value_count(); ++id)
    if (is_shown(lowered, id, keep)) shown.push_back(id);
  return shown;
}

LoweredGraph lower(Graph graph, const SessionOptions& options) {
  const ValueId original_count = graph.value_count();
  LoweredGraph lowered{.graph = std::move(graph), .origins = {}};
  take_outer_constants(lowered.graph);  // kernels pack weights, which they must see
  ByteConstants bytes;
  if (options.optimize) {
    if (!options.show_bodies) fuse_bodies(lowered.graph);
    fuse_activation(lowered.graph, options.keep);  // first: a Swish between bytes becomes a table
    fuse_qdq(lowered.graph, options.keep);
    fuse_product_bias(lowered.graph, options.keep);
    bytes = dequantize_constants(lowered.graph, options.keep);
    take_outer_constants(lowered.graph);  // those that were made just now
    fold_tables(lowered.graph, options.keep);
    fuse_lookup(lowered.graph, options.keep);
    fuse_focus(lowered.graph, options.keep);
    fuse_attention(lowered.graph, options.keep);
    fuse_float(lowered.graph, options.keep);
  }
  lowered.origins.resize(lowered.graph.values().size());
  for (ValueId id = 0; id < original_count; ++id)
    lowered.origins[static_cast<std::size_t>(id)].value = id;
  if (options.optimize) {
    ChannelsLast(lowered).run(options.keep);
    fuse_scale_shift(lowered, options.keep);
    fuse_conv_pair(lowered, options.keep);
    fuse_rows_to_bytes(lowered, options.keep);
    fuse_resize(lowered, options.keep);
    // Overflows are counted layer by layer, and lines that are made twice would count twice.
    if (!options.count_overflow) fuse_conv_chain(lowered, options.keep);
    use_byte_weights(lowered.graph, bytes);
    lowered.origins.resize(lowered.graph.values().size());
  }
  drop_unread_constants(lowered.graph);
  if (options.optimize) compact(lowered);
  return lowered;
}

}  // namespace q8
