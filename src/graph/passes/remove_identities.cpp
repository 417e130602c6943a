#include "graph/canonicalize.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

// Dropout at inference, unless its mask is read or training is asked for.
bool is_inert_dropout(const Graph& graph, const Node& node) {
  if (!node.is("Dropout")) return false;
  if (node.outputs.size() > 1 && node.outputs[1] != kNoValue) {
    const ValueId mask = node.outputs[1];
    if (graph.is_output(mask) || !Uses(graph).consumers(mask).empty()) return false;
  }
  if (node.input(2) == kNoValue) return true;
  const Tensor* training = graph.constant(node.input(2));
  return training != nullptr && training->to_int64s() == std::vector<std::int64_t>{0};
}

bool is_cast_to_same(const Graph& graph, const Node& node) {
  return node.is("Cast") && dtype_of_onnx(node.attributes.get_int("to", 0)) == DType::kF32 &&
         graph.is_input(node.input(0)) && graph.value(node.input(0)).type.dtype == DType::kF32;
}

}  // namespace

int remove_identities(Graph& graph, const Evaluate&) {
  int removed = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (node.input(0) == kNoValue || node.outputs.empty() || node.outputs[0] == kNoValue) continue;
    if (!node.is("Identity") && !is_inert_dropout(graph, node) && !is_cast_to_same(graph, node))
      continue;
    const ValueId from = node.inputs[0], to = node.outputs[0];
    if (!graph.bypass(from, to)) continue;
    graph.remove_node(id);
    ++removed;
  }
  return removed;
}

}  // namespace q8
