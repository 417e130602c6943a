#include "exec/lowering/fuse_scale_shift.h"

#include <limits>

#include "exec/lowering/clamp.h"

namespace q8 {

int fuse_scale_shift(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  Graph& graph = lowered.graph;
  const Uses uses(graph);
  int gone = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    Node& node = graph.node(id);
    if (node.domain != "q8" || node.op_type != "ScaleShift" ||
        is_shown(lowered, node.outputs[0], keep))
      continue;
    const NodeId reader = uses.only_consumer(node.outputs[0]);
    const auto clamp = reader == kNoNode ? std::nullopt : clamp_of(graph, graph.node(reader));
    if (!clamp) continue;
    if (clamp->low > -std::numeric_limits<float>::infinity())
      node.attributes.set("clamp_lo", clamp->low);
    if (clamp->high < std::numeric_limits<float>::infinity())
      node.attributes.set("clamp_hi", clamp->high);
    node.outputs[0] = graph.node(reader).outputs[0];
    graph.remove_node(reader);
    ++gone;
  }
  if (gone > 0) graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8
