#include "exec/lower.h"

#include "exec/channels_last.h"
#include "exec/fuse_activation.h"
#include "exec/fuse_float.h"
#include "exec/fuse_qdq.h"

namespace q8 {

LoweredGraph lower(const Graph& graph, const SessionOptions& options) {
  LoweredGraph lowered{.graph = graph, .origins = {}};
  if (options.optimize) {
    fuse_activation(lowered.graph, options.keep);  // first: a Swish between bytes becomes a table
    fuse_qdq(lowered.graph, options.keep);
    fuse_float(lowered.graph, options.keep);
  }
  lowered.origins.resize(lowered.graph.values().size());
  for (ValueId id = 0; id < graph.value_count(); ++id)
    lowered.origins[static_cast<std::size_t>(id)].value = id;
  if (options.optimize) ChannelsLast(lowered).run(options.keep);
  return lowered;
}

}  // namespace q8
