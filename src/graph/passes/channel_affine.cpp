#include "graph/passes/channel_affine.h"

#include <algorithm>
#include <cmath>

namespace q8 {
namespace {

// y = scale · (x − mean) / sqrt(variance + epsilon) + bias
std::optional<ChannelAffine> of_batch_normalization(const Graph& graph, const Node& norm) {
  if (norm.attributes.get_int("training_mode", 0) != 0) return std::nullopt;
  std::vector<std::vector<float>> constants;  // scale, bias, mean, variance
  for (std::size_t i = 1; i <= 4; ++i) {
    const Tensor* constant = graph.constant(norm.input(i));
    if (constant == nullptr || constant->dtype() != DType::kF32) return std::nullopt;
    constants.push_back(constant->to_floats());
    if (constants.back().size() != constants[0].size()) return std::nullopt;
  }
  const double epsilon = static_cast<double>(norm.attributes.get_float("epsilon", 1e-5f));
  ChannelAffine affine;
  for (std::size_t c = 0; c < constants[0].size(); ++c) {
    const double factor =
        constants[0][c] / std::sqrt(static_cast<double>(constants[3][c]) + epsilon);
    affine.factor.push_back(factor);
    affine.shift.push_back(constants[1][c] - constants[2][c] * factor);
  }
  return affine;
}

// The numbers of a constant that an operator spreads over a value's channels, one for each.
std::optional<std::vector<double>> per_channel(const Tensor& constant, const ChannelAxis& at) {
  if (constant.dtype() != DType::kF32) return std::nullopt;
  const Shape& shape = constant.shape();
  // More axes than the value has would give the result more.
  if (shape.rank() > std::max<std::int64_t>(at.rank, 1)) return std::nullopt;
  const std::vector<float> values = constant.to_floats();
  if (values.size() == 1)
    return std::vector<double>(static_cast<std::size_t>(at.channels), values[0]);
  const std::int64_t axis = shape.rank() + (at.axis < 0 ? at.axis : at.axis - at.rank);
  if (constant.size() != at.channels || axis < 0 || shape[axis] != at.channels) return std::nullopt;
  return std::vector<double>(values.begin(), values.end());
}

std::optional<ChannelAffine> of_arithmetic(const Graph& graph, const Node& node, ValueId data,
                                           const ChannelAxis& at) {
  if (node.inputs.size() != 2) return std::nullopt;
  const bool is_first = node.inputs[0] == data;
  const Tensor* constant = graph.constant(node.inputs[is_first ? 1 : 0]);
  if (constant == nullptr) return std::nullopt;
  const auto values = per_channel(*constant, at);
  if (!values) return std::nullopt;
  ChannelAffine affine{.factor = std::vector<double>(values->size(), 1),
                       .shift = std::vector<double>(values->size(), 0)};
  if (node.is("Add") || node.is("Sub")) affine.shift = *values;
  if (node.is("Sub") && is_first)
    for (double& shift : affine.shift) shift = -shift;
  if (node.is("Sub") && !is_first) affine.factor.assign(values->size(), -1);
  if (node.is("Mul")) affine.factor = *values;
  if (node.is("Div")) {
    if (!is_first) return std::nullopt;
    for (std::size_t c = 0; c < values->size(); ++c) affine.factor[c] = 1 / (*values)[c];
  }
  return affine;
}

}  // namespace

bool ChannelAffine::scales() const {
  return std::ranges::any_of(factor, [](double f) { return f != 1; });
}
bool ChannelAffine::shifts() const {
  return std::ranges::any_of(shift, [](double s) { return s != 0; });
}

std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId data,
                                            const ChannelAxis& at) {
  std::optional<ChannelAffine> affine;
  if (node.is("BatchNormalization") && at.axis == 1 && node.input(0) == data)
    affine = of_batch_normalization(graph, node);
  else if (node.is("Add") || node.is("Sub") || node.is("Mul") || node.is("Div"))
    affine = of_arithmetic(graph, node, data, at);
  const auto is_finite = [](double v) { return std::isfinite(v); };
  if (!affine || std::ssize(affine->factor) != at.channels ||
      !std::ranges::all_of(affine->factor, is_finite) ||
      !std::ranges::all_of(affine->shift, is_finite))
    return std::nullopt;
  return affine;
}

}  // namespace q8
