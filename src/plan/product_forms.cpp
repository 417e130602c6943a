#include <algorithm>

#include "plan/coverage.h"

namespace q8 {
namespace {

bool is_float_constant(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  return tensor != nullptr && tensor->dtype() == DType::kF32 && tensor->size() > 0;
}

// As com.microsoft DynamicQuantizeLSTM computes it.
bool can_be_dynamic_lstm(const Graph& graph, const Node& node) {
  const auto is_constant = [&](std::size_t i) {
    return node.input(i) == kNoValue || graph.constant(node.input(i)) != nullptr;
  };
  return is_float_constant(graph, node.input(1)) && is_float_constant(graph, node.input(2)) &&
         is_constant(3) && is_constant(7) && node.attributes.get_int("layout", 0) == 0;
}

}  // namespace

bool can_be_dynamic(const Graph& graph, const Node& node) {
  if (node.is("LSTM")) return can_be_dynamic_lstm(graph, node);
  if (node.is("Conv"))
    return is_float_constant(graph, node.input(1)) && graph.constant(node.input(1))->rank() > 2 &&
           (node.input(2) == kNoValue || is_float_constant(graph, node.input(2)));
  if (weight_input(graph, node) != 1) return false;
  const Tensor& weights = *graph.constant(node.inputs[1]);
  if (weights.rank() != 2 || weights.dtype() != DType::kF32 || weights.size() == 0) return false;
  if (node.is("MatMul")) return true;
  return node.is("Gemm") && node.attributes.get_float("alpha", 1) == 1 &&
         node.attributes.get_float("beta", 1) == 1 && node.attributes.get_int("transA", 0) == 0;
}

bool has_small_groups(const Graph& graph, const Node& node, const Target& target) {
  const std::int64_t groups = node.attributes.get_int("group", 1);
  if (!node.is("Conv") || groups == 1 || graph.constant(node.input(1)) == nullptr) return false;
  const Shape& weights = graph.constant(node.inputs[1])->shape();  // [out, in / groups, kernel…]
  if (weights.rank() < 2) return false;
  const bool is_depthwise = weights[1] == 1 && weights[0] == groups;
  return is_depthwise ? groups < target.least_depthwise_channels
                      : weights[1] < target.least_group_channels;
}

std::string activations_reason(const Target& target) {
  switch (target.activation_products) {
    case ActivationProducts::kFasterInFloat:
      return "the target is faster in float with two activations";
    case ActivationProducts::kFloat:
      return "the target multiplies two activations in float";
    case ActivationProducts::kInteger:
      break;
  }
  return "";
}

double multiply_adds(const Graph& graph, const Node& node, double output_elements) {
  const int position = weight_input(graph, node);
  if (position < 0) return 0;
  const Tensor& weights = *graph.constant(node.inputs[static_cast<std::size_t>(position)]);
  std::int64_t outputs = 1;
  if (node.is("MatMul"))
    outputs = weights.shape().back();
  else if (node.is("Gemm"))
    outputs = weights.shape()[node.attributes.get_int("transB", 0) != 0 ? 0 : 1];
  else
    outputs = weights.shape()[0];
  return output_elements * static_cast<double>(weights.size()) /
         static_cast<double>(std::max<std::int64_t>(outputs, 1));
}

}  // namespace q8
