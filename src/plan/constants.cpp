#include "plan/constants.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "calib/weights.h"

namespace q8 {
namespace {

using Plans = std::map<std::size_t, ConstantPlan>;

// The axis of the output channels in a node's weights, or -1 where one scale must do.
int channel_axis(const Node& node, std::size_t position, const Tensor& weights,
                 const Target& target) {
  if (node.is("Conv")) return 0;
  if (node.is("ConvTranspose")) return 1;
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) return 1;
  if (!target.per_channel_gemm) return -1;
  if (node.is("Gemm")) return node.attributes.get_int("transB", 0) != 0 ? 0 : 1;
  // Stacked matrices have no channel axis of their own in any integer kernel.
  return position == 1 && weights.rank() == 2 ? 1 : -1;
}

// Products of u8 and s8 that an s32 sum is sure to hold.
std::int64_t depth_limit() {
  return INT32_MAX / (255 * 127);
}

std::int64_t depth(const Node& node, const Tensor& weights, int axis) {
  if (axis < 0) return weights.rank() >= 2 ? weights.shape()[weights.rank() - 2] : weights.size();
  if (node.is("ConvTranspose"))
    return weights.shape()[0] * weights.shape().count(2, weights.rank());
  return weights.size() / std::max<std::int64_t>(1, weights.shape()[axis]);
}

// 32-bit sums hold bias and products together: half of their range is left to each.
constexpr double kLargestBias = 1073741823.0;

// Raises weight scales until every bias, in steps of input_scale · weight scale, fits. A per-tensor
// scale is raised for the largest bias.
void make_biases_fit(const Node& node, const std::vector<float>& bias, float input_scale,
                     QuantParams& weights, std::vector<std::string>& warnings) {
  int raised = 0;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    float& scale = weights.scale[weights.is_per_tensor() ? 0 : c % weights.scale.size()];
    const double needed = std::max(std::abs(static_cast<double>(bias[c])) / kLargestBias,
                                   static_cast<double>(FLT_MIN)) /
                          input_scale;
    if (scale >= needed) continue;
    scale = std::nextafter(static_cast<float>(needed), FLT_MAX);
    ++raised;
  }
  if (raised > 0)
    warnings.push_back(node.label() + ": the scale of " + std::to_string(raised) +
                       " weight channel(s) was raised so that the bias fits 32 bits");
}

ConstantPlan bias_plan(const std::string& name, std::size_t channels, float input_scale,
                       const QuantParams& weights) {
  QuantParams params{.dtype = DType::kS32, .axis = 0, .scale = {}, .zero_point = {}};
  for (std::size_t c = 0; c < channels; ++c)
    params.scale.push_back(input_scale *
                           weights.scale[weights.is_per_tensor() ? 0 : c % weights.scale.size()]);
  params.zero_point.assign(channels, 0);
  if (weights.is_per_tensor()) {
    params.axis = -1;
    params.scale.resize(1);
    params.zero_point.resize(1);
  }
  return {.value = name, .params = std::move(params), .storage = Storage::kTensor, .integers = {}};
}

WeightSettings weight_settings(const PlanConfig& config, const Target& target, int axis) {
  if (config.weight_observer != "auto" && config.weight_observer != "minmax" &&
      config.weight_observer != "mse")
    throw usage_error("there is no weight observer '" + config.weight_observer +
                      "'; known are auto, minmax, mse");
  if (config.weights != "s8" && config.weights != "s4")
    throw usage_error("'" + config.weights + "' is no type for weights: expected s8 or s4");
  return {
      .per_channel = config.per_channel && target.per_channel_weights && axis >= 0,
      .axis = std::max(axis, 0),
      .observer = config.weight_observer == "mse" ? WeightObserver::kMse : WeightObserver::kMinMax,
      .levels = target.weight_levels};
}

// The axis along which a channel's inputs lie, or -1.
int input_axis(const Node& node, std::size_t position, const Tensor& weights) {
  if (node.is("Conv")) return 1;
  if (node.is("ConvTranspose")) return 0;
  if (node.is("Gemm")) return node.attributes.get_int("transB", 0) != 0 ? 1 : 0;
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) return 2;
  const auto rank = static_cast<int>(weights.rank());
  if (rank < 2) return -1;
  return position == 1 ? rank - 2 : rank - 1;
}

// Products that make one value of a channel.
std::int64_t node_inputs(const Node& node, const Tensor& weights, std::int64_t channels) {
  if (node.is("ConvTranspose")) return depth(node, weights, 1);
  return weights.size() / std::max<std::int64_t>(1, channels);
}

// For the weights of products: 4 bits where they are asked for, in blocks where a channel has more
// inputs than a block.
WeightSettings product_settings(const PlanConfig& config, const Target& target, const Node& node,
                                NodeMode mode, std::size_t position, const Tensor& weights) {
  WeightSettings settings =
      weight_settings(config, target, channel_axis(node, position, weights, target));
  if (config.weights != "s4" || mode == NodeMode::kDynamic) return settings;
  // Depthwise and other narrow layers suffer most and weigh least.
  constexpr std::int64_t kFewInputs = 64;
  const std::int64_t channels = weights.shape()[settings.axis];
  if (node_inputs(node, weights, channels) < kFewInputs) return settings;
  settings.dtype = DType::kS4;
  settings.levels = 0;
  // Of convolutions the clipped outliers cost more than the finer steps gain (docs/concepts.md).
  if (config.weight_observer == "auto" && !node.is("Conv") && !node.is("ConvTranspose"))
    settings.observer = WeightObserver::kMse;
  const int axis = input_axis(node, position, weights);
  if (config.block_size == 0 || axis < 0 || weights.shape()[axis] <= config.block_size)
    return settings;
  settings.per_channel = true;
  settings.axis = axis;
  settings.block = config.block_size;
  return settings;
}

// The same integers, 128 higher.
void raise_to_u8(QuantParams& params) {
  if (params.dtype != DType::kS8) return;
  params.dtype = DType::kU8;
  for (std::int32_t& zero_point : params.zero_point) zero_point += 128;
}

// Number of biases that Conv, ConvTranspose and Gemm take, or 0 where the constant is none.
std::size_t bias_channels(const Node& node, const Tensor* bias, const Tensor& weights, int axis) {
  if (bias == nullptr || bias->dtype() != DType::kF32 || node.is("MatMul")) return 0;
  std::int64_t channels = weights.shape()[std::max(axis, 0)];
  if (node.is("Conv")) channels = weights.shape()[0];
  if (node.is("ConvTranspose")) channels *= node.attributes.get_int("group", 1);
  if (node.is("Gemm")) channels = weights.shape()[node.attributes.get_int("transB", 0) ? 0 : 1];
  return bias->size() == channels ? static_cast<std::size_t>(channels) : 0;
}

// Throws as weight_params(), with the names of node and constant.
QuantParams params_of(const Graph& graph, const Node& node, std::size_t input,
                      const WeightSettings& settings) {
  try {
    return weight_params(*graph.constant(node.inputs[input]), settings);
  } catch (const Error& error) {
    throw error.within(node.label() + ": '" + graph.value(node.inputs[input]).name + "'");
  }
}

Plans plan_weighted(const Graph& graph, const Node& node, NodeMode mode, float input_scale,
                    const PlanConfig& config, const Target& target,
                    std::vector<std::string>& warnings) {
  Plans plans;
  const int position = weight_input(graph, node);
  if (position < 0) return plans;
  const auto input = static_cast<std::size_t>(position);
  const Tensor& weights = *graph.constant(node.inputs[input]);
  if (weights.dtype() != DType::kF32 || weights.size() == 0) return plans;
  const int axis = channel_axis(node, input, weights, target);
  ConstantPlan plan{
      .value = graph.value(node.inputs[input]).name,
      .params = params_of(graph, node, input,
                          product_settings(config, target, node, mode, input, weights)),
      .storage = Storage::kTensor,
      .integers = {}};
  // Runtimes multiply u8 by s8, not s8 by u8: weights that stand left are u8 like what they meet.
  if (input == 0 && mode == NodeMode::kInteger && target.activation_dtype == DType::kU8)
    raise_to_u8(plan.params);
  if (mode == NodeMode::kInteger && depth(node, weights, axis) > depth_limit())
    warnings.push_back(node.label() + " sums " + std::to_string(depth(node, weights, axis)) +
                       " products: extreme values could pass 32 bits");
  const Tensor* bias = graph.constant(node.input(2));
  const std::size_t channels = bias_channels(node, bias, weights, axis);
  if (mode == NodeMode::kInteger && target.quantized_bias && input_scale > 0 && channels > 0 &&
      !plan.params.is_blocked()) {
    make_biases_fit(node, bias->to_floats(), input_scale, plan.params, warnings);
    plans.emplace(2,
                  bias_plan(graph.value(node.inputs[2]).name, channels, input_scale, plan.params));
  }
  plans.emplace(input, std::move(plan));
  return plans;
}

// Recurrent weights W and R: one scale for each gate's row, as they are read [directions, rows, k].
Plans plan_recurrent(const Graph& graph, const Node& node, NodeMode mode, const PlanConfig& config,
                     const Target& target) {
  Plans plans;
  for (const std::size_t input : {std::size_t{1}, std::size_t{2}}) {
    const Tensor* weights = graph.constant(node.input(input));
    if (weights == nullptr || weights->dtype() != DType::kF32) continue;
    plans.emplace(input, ConstantPlan{.value = graph.value(node.inputs[input]).name,
                                      .params = params_of(graph, node, input,
                                                          product_settings(config, target, node,
                                                                           mode, input, *weights)),
                                      .storage = Storage::kTensor,
                                      .integers = {}});
  }
  return plans;
}

// A table of embeddings: one scale a row. Small ones are not worth their scales.
Plans plan_table(const Graph& graph, const Node& node, const PlanConfig& config,
                 const Target& target) {
  constexpr std::int64_t kSmallTable = 1024;  // elements; the nodes that read it cost about as much
  const Tensor& table = *graph.constant(node.inputs[0]);
  if (table.rank() != 2 || table.size() < kSmallTable || node.attributes.get_int("axis", 0) != 0)
    return {};
  Plans plans;
  plans.emplace(
      0, ConstantPlan{.value = graph.value(node.inputs[0]).name,
                      .params = params_of(graph, node, 0, weight_settings(config, target, 0)),
                      .storage = Storage::kRows,
                      .integers = {}});
  return plans;
}

// A number that meets a quantized value: 8 bits hold it exactly (all of them set, or the zero).
Plans plan_numbers(const Graph& graph, const Node& node, const Target& target) {
  Plans plans;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Tensor* number = graph.constant(node.inputs[i]);
    if (number == nullptr) continue;
    const double value = number->to_floats().at(0);
    const ScaleZeroPoint p = target.symmetric_activations
                                 ? symmetric_params({value, value}, target.activation_dtype)
                                 : asymmetric_params({value, value}, target.activation_dtype);
    plans.emplace(i, ConstantPlan{.value = graph.value(node.inputs[i]).name,
                                  .params = {.dtype = target.activation_dtype,
                                             .axis = -1,
                                             .scale = {p.scale},
                                             .zero_point = {p.zero_point}},
                                  .storage = Storage::kTensor,
                                  .integers = {}});
  }
  return plans;
}

}  // namespace

Plans plan_constants(const Graph& graph, const Node& node, NodeMode mode, float input_scale,
                     const PlanConfig& config, const Target& target,
                     std::vector<std::string>& warnings) {
  if (mode == NodeMode::kFloat || mode == NodeMode::kAbsorbed) return {};
  if (node.is("Gather")) {
    if (mode != NodeMode::kWeightOnly) return {};
    return plan_table(graph, node, config, target);
  }
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN"))
    return plan_recurrent(graph, node, mode, config, target);
  switch (quant_role(graph, node)) {
    case QuantRole::kWeighted:
      return plan_weighted(graph, node, mode, input_scale, config, target, warnings);
    case QuantRole::kArithmetic:
      return plan_numbers(graph, node, target);
    default:
      return {};
  }
}

std::optional<std::pair<std::size_t, ConstantPlan>> plan_added_bias(
    const Graph& graph, const Node& matmul, const Node& add, float input_scale,
    QuantParams& weights, std::vector<std::string>& warnings) {
  const std::size_t side = add.inputs[0] == matmul.outputs[0] ? 1 : 0;
  const Tensor* bias = graph.constant(add.input(side));
  const std::int64_t columns = graph.constant(matmul.inputs[1])->shape().back();
  if (bias == nullptr || bias->dtype() != DType::kF32 || bias->size() != columns ||
      bias->rank() < 1 || bias->rank() > 2 || bias->shape().back() != columns)
    return std::nullopt;
  make_biases_fit(matmul, bias->to_floats(), input_scale, weights, warnings);
  return std::pair(side, bias_plan(graph.value(add.inputs[side]).name,
                                   static_cast<std::size_t>(columns), input_scale, weights));
}

}  // namespace q8
