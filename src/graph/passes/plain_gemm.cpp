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

std::int64_t columns(const Graph& graph, const Node& gemm) {
  return graph.constant(gemm.inputs[1])->shape()[gemm.attributes.get_int("transB", 0) != 0 ? 0 : 1];
}

// One number for all columns becomes one for each: the form that has integers.
bool spread_bias(Graph& graph, NodeId id) {
  const Tensor* bias = graph.constant(graph.node(id).input(2));
  const std::int64_t count = columns(graph, graph.node(id));
  if (!is_float(bias) || bias->size() != 1 || count == 1) return false;
  const std::vector<float> values(static_cast<std::size_t>(count), bias->to_floats()[0]);
  const std::string name = graph.value(graph.node(id).inputs[2]).name + "_columns";
  const ValueId to = graph.add_constant(name, Tensor::of<float>(Shape{count}, values));
  graph.node(id).inputs[2] = to;
  return true;
}

// What is added and is no bias (it is computed, or differs from row to row) gets an Add of its own.
bool split_addend(Graph& graph, NodeId id) {
  const ValueId addend = graph.node(id).input(2);
  if (addend == kNoValue || graph.node(id).attributes.get_float("beta", 1) != 1) return false;
  const Tensor* constant = graph.constant(addend);
  if (constant != nullptr && constant->size() == columns(graph, graph.node(id)) &&
      constant->rank() >= 1 && constant->shape().back() == constant->size())
    return false;
  Node& gemm = graph.node(id);
  const ValueId sum = gemm.outputs[0];
  gemm.inputs.resize(2);
  const std::string name = gemm.name;
  const ValueId product = graph.add_value(graph.value(sum).name + "_product");
  graph.node(id).outputs[0] = product;
  graph.add_node({.name = graph.unique_node_name(name + "_Add"),
                  .domain = "",
                  .op_type = "Add",
                  .inputs = {product, addend},
                  .outputs = {sum},
                  .attributes = {},
                  .doc = ""});
  return true;
}

}  // namespace

int plain_gemm(Graph& graph, const Evaluate&) {
  int changed = 0;
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    if (!graph.node(id).is("Gemm")) continue;
    const Tensor* matrix = graph.constant(graph.node(id).input(1));
    if (!is_float(matrix) || matrix->rank() != 2) continue;
    const bool weights = fold_factor(graph, id, 1, "alpha"),
               bias = fold_factor(graph, id, 2, "beta"),
               turned = graph.node(id).attributes.get_int("transA", 0) != 0;
    if (turned) split_transpose(graph, id);
    const bool spread = spread_bias(graph, id), split = split_addend(graph, id);
    changed += weights || bias || turned || spread || split;
  }
  return changed;
}

}  // namespace q8
