#include <algorithm>

#include "ops/ops.h"
#include "plan/clamps.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

bool is_zero_or_absent(const Graph& graph, ValueId id) {
  if (id == kNoValue) return true;
  const Tensor* constant = graph.constant(id);
  if (constant == nullptr || constant->size() != 1) return false;
  return constant->to_floats()[0] == 0.0f;
}

bool pads_with_own_values(const Graph& graph, const Node& node) {
  if (node.attributes.get_string("mode", "constant") != "constant") return true;
  return node.attributes.get_float("value", 0.0f) == 0.0f &&
         is_zero_or_absent(graph, node.input(2));
}

bool is_number(const Tensor* tensor) {
  return tensor != nullptr && tensor->size() == 1 && is_floating(tensor->dtype());
}

// Whether a clamp lets zero pass: only then a quantized range, which always has zero in it, can do
// the same.
bool keeps_zero(const Graph& graph, const Node& node) {
  const auto bounds = clamp_bounds(graph, node);
  return bounds && bounds->low <= 0 && bounds->high >= 0;
}

// Integer kernels for sums and products read two computed values, or one and a number (which 8
// bits hold exactly); a wider constant is better left to float.
bool is_integer_arithmetic(const Graph& graph, const Node& node) {
  if ((!node.is("Add") && !node.is("Mul")) || node.inputs.size() != 2) return false;
  int computed = 0;
  for (const ValueId id : node.inputs) {
    const Tensor* constant = graph.constant(id);
    if (constant != nullptr && !is_number(constant)) return false;
    computed += constant == nullptr;
  }
  return computed > 0;
}

}  // namespace

QuantRole quant_role(const Graph& graph, const Node& node) {
  const OpRow* row = find_operator(node.domain, node.op_type);
  if (row == nullptr) return QuantRole::kFloat;
  if (row->role == QuantRole::kMoves) {
    if (node.is("Pad") && !pads_with_own_values(graph, node)) return QuantRole::kFloat;
    if ((node.is("Resize") || node.is("Upsample")) &&
        (node.attributes.get_string("mode", "nearest") != "nearest" ||
         node.attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize"))
      return QuantRole::kFloat;
    // Indices of MaxPool are made by float kernels only.
    if (node.is("MaxPool") && node.outputs.size() > 1) return QuantRole::kFloat;
    if (graph.constant(node.input(0)) != nullptr) return QuantRole::kFloat;  // a table
  }
  if (row->role == QuantRole::kPool && !node.is("AveragePool") && !node.is("GlobalAveragePool"))
    return QuantRole::kFloat;
  if (row->role == QuantRole::kClamp && !keeps_zero(graph, node)) return QuantRole::kPointwise;
  if (row->role == QuantRole::kArithmetic && !is_integer_arithmetic(graph, node))
    return QuantRole::kFloat;
  return row->role;
}

int weight_input(const Graph& graph, const Node& node) {
  if (graph.constant(node.input(1)) != nullptr) return 1;
  if (node.is("MatMul") && graph.constant(node.input(0)) != nullptr) return 0;
  return -1;
}

std::vector<std::size_t> data_inputs(const Graph& graph, const Node& node) {
  std::vector<std::size_t> positions;
  switch (quant_role(graph, node)) {
    case QuantRole::kConcat:
    case QuantRole::kArithmetic:
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        if (graph.constant(node.inputs[i]) == nullptr) positions.push_back(i);
      return positions;
    case QuantRole::kWeighted:
      for (std::size_t i = 0; i < std::min<std::size_t>(2, node.inputs.size()); ++i)
        if (graph.constant(node.inputs[i]) == nullptr) positions.push_back(i);
      return positions;
    default:
      return {0};
  }
}

}  // namespace q8
