#include "graph/canonicalize.h"

namespace q8 {
namespace {

bool is_float(const Tensor* tensor) {
  return tensor != nullptr && tensor->dtype() == DType::kF32;
}

Tensor scaled(const Tensor& tensor, float factor) {
  std::vector<float> values = tensor.to_floats();
  for (float& value : values) value *= factor;
  return Tensor::of<float>(tensor.shape(), values);
}

// The constant of one input takes over a factor; false where it is none.
bool fold_factor(Graph& graph, NodeId id, std::size_t input, std::string_view attribute) {
  const float factor = graph.node(id).attributes.get_float(attribute, 1);
  if (factor == 1) return false;
  const ValueId from = graph.node(id).input(input);
  if (from != kNoValue) {
    if (!is_float(graph.constant(from))) return false;
    const std::string name = graph.value(from).name + "_" + std::string(attribute);
    const ValueId to = graph.add_constant(name, scaled(*graph.constant(from), factor));
    graph.node(id).inputs[input] = to;
  }
  graph.node(id).attributes.erase(attribute);
  return true;
}

// A Transpose of its own, which can move integers.
void split_transpose(Graph& graph, NodeId id) {
  const ValueId from = graph.node(id).inputs[0];
  const ValueId to = graph.add_value(graph.value(from).name + "_transposed");
  Node transpose{.name = graph.unique_node_name(graph.node(id).name + "_transA"),
                 .domain = "",
                 .op_type = "Transpose",
                 .inputs = {from},
                 .outputs = {to},
                 .attributes = {},
                 .doc = ""};
  transpose.attributes.set("perm", std::vector<std::int64_t>{1, 0});
  graph.node(id).inputs[0] = to;
  graph.node(id).attributes.erase("transA");
  graph.add_node(std::move(transpose));
}

}  // namespace

int plain_gemm(Graph& graph, const Evaluate&) {
  int changed = 0;
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    if (!graph.node(id).is("Gemm") || !is_float(graph.constant(graph.node(id).input(1)))) continue;
    const bool weights = fold_factor(graph, id, 1, "alpha"),
               bias = fold_factor(graph, id, 2, "beta"),
               turned = graph.node(id).attributes.get_int("transA", 0) != 0;
    if (turned) split_transpose(graph, id);
    changed += weights || bias || turned;
  }
  return changed;
}

}  // namespace q8
