#include "exec/lowering/fuse_resize.h"

#include <optional>

#include "exec/lowering/lone_readers.h"
#include "exec/lowering/qdq_group.h"

namespace q8 {
namespace {

// The input, scale and zero point of a node between FP32 and bytes, per tensor.
std::optional<QuantizedInput> bytes_of(const Graph& graph, NodeId id, const char* type) {
  if (id == kNoNode || !graph.node(id).is(type)) return std::nullopt;
  const Node& node = graph.node(id);
  if (!byte_params(graph, node)) return std::nullopt;
  return QuantizedInput{node.inputs[0], node.input(1), node.input(2)};
}

bool computes(const Graph& graph, const Node& node) {
  return node.is("Resize") && graph.opset() >= 11 && !only_moves(node) &&
         node.attributes.get_string("mode", "nearest") != "nearest";
}

}  // namespace

int fuse_resize(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  Graph& graph = lowered.graph;
  const LoneReaders readers(graph, shown_values(lowered, keep));
  int gone = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    Node& node = graph.node(id);
    if (!computes(graph, node)) continue;
    const NodeId before = readers.producer(node.inputs[0]), behind = readers.of(node.outputs[0]);
    auto from = bytes_of(graph, before, "DequantizeLinear");
    if (readers.of(node.inputs[0]) != id) from.reset();
    const auto to = bytes_of(graph, behind, "QuantizeLinear");
    if (!from && !to) continue;
    std::vector<ValueId> inputs(5, kNoValue);
    inputs[0] = from ? from->integers : node.inputs[0];
    if (from) inputs[1] = from->scale, inputs[2] = from->zero_point;
    if (to) inputs[3] = to->scale, inputs[4] = to->zero_point;
    inputs.insert(inputs.end(), node.inputs.begin() + 1, node.inputs.end());
    node.domain = "q8";
    node.op_type = "ResizeOfBytes";
    node.inputs = std::move(inputs);
    if (from) graph.remove_node(before);
    if (to) {
      node.outputs = graph.node(behind).outputs;
      graph.remove_node(behind);
    }
    gone += from.has_value() + to.has_value();
  }
  if (gone > 0) graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8
