#include "exec/lowering/fuse_lookup.h"

#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

bool is_convolution(const Node& node) {
  return node.domain == "q8" &&
         (node.op_type == "QLinearConv" || node.op_type == "QLinearConvTranspose");
}

}  // namespace

int fuse_lookup(Graph& graph, const std::vector<ValueId>& keep) {
  constexpr std::size_t kTable = 9;  // of the convolution's inputs
  const LoneReaders readers(graph, keep);
  int fused = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    Node& conv = graph.node(id);
    if (!is_convolution(conv) || conv.inputs.size() > kTable) continue;
    const NodeId reader = readers.of(conv.outputs[0]);
    if (reader == kNoNode) continue;
    const Node& lookup = graph.node(reader);
    if (lookup.domain != "q8" || lookup.op_type != "TableLookup") continue;
    conv.inputs.resize(kTable + 1, kNoValue);
    conv.inputs[kTable] = lookup.inputs[1];
    conv.outputs[0] = lookup.outputs[0];
    graph.remove_node(reader);
    ++fused;
  }
  if (fused > 0) graph.tidy(keep);
  return fused;
}

}  // namespace q8
