#include <algorithm>
#include <cmath>

#include "exec/lowering/channels_last.h"
#include "ops/ops.h"

namespace q8 {
namespace {

// The node reading channels-last tensors where `inputs` says, with its only result made so as well.
void emit_turned(ChannelsLast& pass, const Node& node, std::vector<ValueId> inputs,
                 std::int64_t rank, std::string domain, Attributes attributes) {
  Node turned = node;
  turned.domain = std::move(domain);
  turned.inputs = std::move(inputs);
  turned.attributes = std::move(attributes);
  turned.outputs = {pass.make_last(node.outputs[0], rank)};
  pass.emit(std::move(turned));
}

bool has_one_output(const Node& node) {
  return std::count_if(node.outputs.begin(), node.outputs.end(),
                       [](ValueId id) { return id != kNoValue; }) == 1 &&
         node.outputs[0] != kNoValue;
}

// Conv and ConvTranspose with constant weights: always, they pay for turning their input.
bool convolution(ChannelsLast& pass, const Node& node) {
  const Tensor* weights = pass.graph().constant(node.input(1));
  if (weights == nullptr || weights->dtype() != DType::kF32 || weights->rank() < 3) return false;
  if (node.input(2) != kNoValue && pass.graph().constant(node.input(2)) == nullptr) return false;
  const std::int64_t rank = weights->rank(), channels = weights->shape()[0];
  std::vector<ValueId> inputs = node.inputs;
  if (pass.rank(inputs[0]) != 0 && pass.rank(inputs[0]) != rank) return false;
  pass.know_rank(inputs[0], rank);
  inputs[0] = pass.last(inputs[0]);
  if (inputs.size() > 3 && inputs[3] != kNoValue) {  // the residual
    pass.know_rank(inputs[3], rank);
    inputs[3] = pass.last(inputs[3]);
  }
  emit_turned(pass, node, std::move(inputs), rank, "q8", node.attributes);
  if (node.op_type == "Conv") pass.know_channels(node.outputs[0], channels);
  return true;
}

bool quantized_convolution(ChannelsLast& pass, const Node& node) {
  const Tensor* weights = pass.graph().constant(node.input(3));
  if (weights == nullptr || weights->rank() < 3) return false;
  const std::int64_t rank = weights->rank(), channels = weights->shape()[0];
  std::vector<ValueId> inputs = node.inputs;
  if (pass.rank(inputs[0]) != 0 && pass.rank(inputs[0]) != rank) return false;
  pass.know_rank(inputs[0], rank);
  inputs[0] = pass.last(inputs[0]);
  Attributes attributes = node.attributes;
  attributes.set("channels_last", std::int64_t{1});
  emit_turned(pass, node, std::move(inputs), rank, "q8", std::move(attributes));
  if (node.op_type != "QLinearConvTranspose") pass.know_channels(node.outputs[0], channels);
  return true;
}

// Pools: where the input stands channels last already.
bool pool(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || !has_one_output(node)) return false;
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  emit_turned(pass, node, std::move(inputs), pass.rank(node.inputs[0]), "q8", node.attributes);
  return true;
}

bool quantized_pool(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || node.attributes.get_int("channels_last", 0) != 0)
    return false;
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  Attributes attributes = node.attributes;
  attributes.set("channels_last", std::int64_t{1});
  emit_turned(pass, node, std::move(inputs), pass.rank(node.inputs[0]), node.domain,
              std::move(attributes));
  return true;
}

// A function of each element of input 0: the order does not matter.
bool pointwise(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || !has_one_output(node)) return false;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const Tensor* parameter = pass.graph().constant(node.inputs[i]);
    const bool is_table = node.op_type == "TableLookup";
    if (node.inputs[i] != kNoValue &&
        (parameter == nullptr || (parameter->size() != 1 && !is_table)))
      return false;
  }
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  emit_turned(pass, node, std::move(inputs), pass.rank(node.inputs[0]), node.domain,
              node.attributes);
  pass.know_channels(node.outputs[0], pass.channels(node.inputs[0]));
  return true;
}

// Operands at the given inputs are broadcast against each other. Constants are turned, or stay
// where their elements keep their order; other operands must have the same rank.
bool broadcast(ChannelsLast& pass, const Node& node, std::initializer_list<std::size_t> operands) {
  std::int64_t rank = 0;
  for (const std::size_t i : operands)
    if (pass.has_last(node.input(i))) rank = std::max(rank, pass.rank(node.input(i)));
  if (rank == 0 || !has_one_output(node)) return false;
  for (const std::size_t i : operands) {
    const ValueId id = node.input(i);
    if (id == kNoValue) return false;
    if (const Tensor* constant = pass.graph().constant(id)) {
      const auto wide = std::count_if(constant->shape().begin(), constant->shape().end(),
                                      [](std::int64_t dim) { return dim != 1; });
      if (constant->rank() > rank || (constant->size() != 1 && wide > 1)) return false;
      continue;
    }
    if (pass.rank(id) != rank) return false;
  }
  std::vector<ValueId> inputs = node.inputs;
  for (const std::size_t i : operands)
    inputs[i] = pass.graph().constant(inputs[i]) != nullptr ? pass.turned_constant(inputs[i], rank)
                                                            : pass.last(inputs[i]);
  emit_turned(pass, node, std::move(inputs), rank, node.domain, node.attributes);
  return true;
}

bool binary(ChannelsLast& pass, const Node& node) {
  return broadcast(pass, node, {0, 1});
}
bool quantized_binary(ChannelsLast& pass, const Node& node) {
  return broadcast(pass, node, {0, 3});
}

// Concat: `first` is the first part's input, `step` how far the next ones are.
bool concat_parts(ChannelsLast& pass, const Node& node, std::size_t first, std::size_t step) {
  std::int64_t rank = 0;
  std::size_t parts = 0, turned = 0;
  for (std::size_t i = first; i < node.inputs.size(); i += step) {
    ++parts;
    if (!pass.has_last(node.inputs[i])) continue;
    ++turned;
    rank = pass.rank(node.inputs[i]);
  }
  if (2 * turned < parts || turned == 0) return false;
  for (std::size_t i = first; i < node.inputs.size(); i += step)
    if (pass.rank(node.inputs[i]) != rank) return false;
  std::int64_t axis = node.attributes.get_int("axis", 1);
  if (axis < 0) axis += rank;
  std::vector<ValueId> inputs = node.inputs;
  std::int64_t channels = 0;
  bool knows_all = true;
  for (std::size_t i = first; i < inputs.size(); i += step) {
    const std::int64_t part_channels = pass.channels(inputs[i]);
    knows_all &= part_channels > 0;
    channels = axis == 1 ? channels + part_channels : part_channels;
    inputs[i] = pass.last(inputs[i]);
  }
  Attributes attributes = node.attributes;
  attributes.set("axis", ChannelsLast::position(axis, rank));
  emit_turned(pass, node, std::move(inputs), rank, node.domain, std::move(attributes));
  if (knows_all) pass.know_channels(node.outputs[0], channels);
  return true;
}

bool concat(ChannelsLast& pass, const Node& node) {
  return concat_parts(pass, node, 0, 1);
}
bool quantized_concat(ChannelsLast& pass, const Node& node) {
  return concat_parts(pass, node, 2, 3);
}

// Split along one axis: all results are made.
bool split(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0))) return false;
  const std::int64_t rank = pass.rank(node.inputs[0]);
  std::int64_t axis = node.attributes.get_int("axis", 0);
  if (axis < 0) axis += rank;
  Node turned = node;
  turned.inputs[0] = pass.last(node.inputs[0]);
  turned.attributes.set("axis", ChannelsLast::position(axis, rank));
  for (ValueId& output : turned.outputs)
    if (output != kNoValue) output = pass.make_last(output, rank);
  pass.emit(std::move(turned));
  return true;
}

// Softmax from opset 13 on: along one axis.
bool along_axis(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || pass.graph().opset() < 13) return false;
  const std::int64_t rank = pass.rank(node.inputs[0]);
  std::int64_t axis = node.attributes.get_int("axis", -1);
  if (axis < 0) axis += rank;
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  Attributes attributes = node.attributes;
  attributes.set("axis", ChannelsLast::position(axis, rank));
  emit_turned(pass, node, std::move(inputs), rank, node.domain, std::move(attributes));
  return true;
}

// A Transpose of a channels-last tensor turns from there; one from NHWC to NCHW is undone.
bool transpose(ChannelsLast& pass, const Node& node) {
  const std::vector<std::int64_t> order = node.attributes.get_ints("perm");
  const auto rank = static_cast<std::int64_t>(order.size());
  if (rank < 3) return false;
  if (pass.has_last(node.input(0)) && pass.rank(node.inputs[0]) == rank) {
    std::vector<std::int64_t> composed;
    for (const std::int64_t axis : order) composed.push_back(ChannelsLast::position(axis, rank));
    pass.emit_alias(pass.last(node.inputs[0]), node.outputs[0], std::move(composed));
    return true;
  }
  if (order != ChannelsLast::to_first(rank)) return false;
  const ValueId source = pass.first(node.inputs[0]);
  pass.emit_alias(source, pass.make_last(node.outputs[0], rank), {});
  return true;
}

// [N, C, pixels …] to [N, C, all pixels], as detectors end: the channels stay the last.
bool reshape(ChannelsLast& pass, const Node& node) {
  const Tensor* shape = pass.graph().constant(node.input(1));
  if (!pass.has_last(node.input(0)) || shape == nullptr || shape->size() != 3) return false;
  const std::int64_t channels = shape->to_int64s()[1];
  const bool copies = channels == 0 && node.attributes.get_int("allowzero", 0) == 0;
  const std::int64_t known = pass.channels(node.inputs[0]);
  if (!copies && (known == 0 || channels != known)) return false;
  emit_turned(pass, node, {pass.last(node.inputs[0]), node.inputs[1]}, 3, "q8", node.attributes);
  pass.know_channels(node.outputs[0], known);
  return true;
}

// By constant pads of all axes.
bool pad(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || node.input(3) != kNoValue) return false;
  const std::int64_t rank = pass.rank(node.inputs[0]);
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  Attributes attributes = node.attributes;
  if (node.input(1) != kNoValue) {
    const Tensor* pads = pass.graph().constant(node.inputs[1]);
    if (pads == nullptr || pads->size() != 2 * rank) return false;
    inputs[1] = pass.turned_list(inputs[1], rank);
  } else {
    const std::vector<std::int64_t> pads = node.attributes.get_ints("pads");
    if (static_cast<std::int64_t>(pads.size()) != 2 * rank) return false;
    std::vector<std::int64_t> turned;
    for (const std::int64_t begin : {std::int64_t{0}, rank})
      for (const std::int64_t axis : ChannelsLast::to_last(rank))
        turned.push_back(pads[static_cast<std::size_t>(begin + axis)]);
    attributes.set("pads", std::move(turned));
  }
  emit_turned(pass, node, std::move(inputs), rank, node.domain, std::move(attributes));
  return true;
}

// Resize and Upsample by constant factors, modes that treat the axes one by one.
bool resize(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || node.attributes.has("axes") ||
      node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch" ||
      node.attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize")
    return false;
  const std::int64_t rank = pass.rank(node.inputs[0]);
  for (std::size_t i = 1; i < node.inputs.size(); ++i)
    if (node.inputs[i] != kNoValue && pass.graph().constant(node.inputs[i]) == nullptr)
      return false;
  if (node.attributes.has("scales") || rank < 3) return false;
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = pass.last(inputs[0]);
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i] != kNoValue) inputs[i] = pass.turned_list(inputs[i], rank);
  emit_turned(pass, node, std::move(inputs), rank, node.domain, node.attributes);
  return true;
}

// Per channel y = x · factor + shift, the same numbers as BatchNormalization has inside.
bool batch_normalization(ChannelsLast& pass, const Node& node) {
  if (!pass.has_last(node.input(0)) || !has_one_output(node)) return false;
  if (node.attributes.get_int("training_mode", 0) != 0) return false;
  std::vector<std::vector<float>> operands;  // scale, bias, mean, variance
  for (std::size_t i = 1; i <= 4; ++i) {
    const Tensor* operand = pass.graph().constant(node.input(i));
    if (operand == nullptr || operand->dtype() != DType::kF32) return false;
    operands.push_back(operand->to_floats());
  }
  const auto channels = static_cast<std::int64_t>(operands[0].size());
  const double epsilon = static_cast<double>(node.attributes.get_float("epsilon", 1e-5f));
  Tensor factor(DType::kF32, Shape{channels}), shift(DType::kF32, Shape{channels});
  for (std::size_t c = 0; c < operands[0].size(); ++c) {
    const double by = operands[0][c] / std::sqrt(operands[3][c] + epsilon);
    factor.mutable_data<float>()[c] = static_cast<float>(by);
    shift.mutable_data<float>()[c] = static_cast<float>(operands[1][c] - operands[2][c] * by);
  }
  const ValueId x = pass.last(node.inputs[0]);
  Node turned = node;
  turned.op_type = "ScaleShift";
  emit_turned(pass, turned,
              {x, pass.add_constant(node.name + "_factor", std::move(factor)),
               pass.add_constant(node.name + "_shift", std::move(shift))},
              pass.rank(node.inputs[0]), "q8", {});
  return true;
}

struct RuleRow {
  std::string_view domain, type;
  ChannelsLastRule rule;
};

constexpr RuleRow kRules[] = {
    {"", "Conv", convolution},
    {"q8", "Conv", convolution},
    {"", "ConvTranspose", convolution},
    {"q8", "QLinearConv", quantized_convolution},
    {"q8", "QLinearConvTranspose", quantized_convolution},
    {"q8", "ConvFromBytes", quantized_convolution},
    {"", "QLinearConv", quantized_convolution},
    {"", "MaxPool", pool},
    {"", "AveragePool", pool},
    {"", "GlobalAveragePool", pool},
    {"com.microsoft", "QLinearAveragePool", quantized_pool},
    {"com.microsoft", "QLinearGlobalAveragePool", quantized_pool},
    {"", "Add", binary},
    {"", "Sub", binary},
    {"", "Mul", binary},
    {"", "Div", binary},
    {"", "Pow", binary},
    {"", "Min", binary},
    {"", "Max", binary},
    {"", "PRelu", binary},
    {"q8", "QLinearAdd", quantized_binary},
    {"q8", "QLinearMul", quantized_binary},
    {"com.microsoft", "QLinearAdd", quantized_binary},
    {"com.microsoft", "QLinearMul", quantized_binary},
    {"com.microsoft", "QLinearSigmoid", pointwise},
    {"com.microsoft", "QLinearLeakyRelu", pointwise},
    {"com.microsoft", "QLinearConcat", quantized_concat},
    {"q8", "TableLookup", pointwise},
    {"", "QuantizeLinear", pointwise},
    {"", "DequantizeLinear", pointwise},
    {"", "Erf", pointwise},
    {"", "Gelu", pointwise},
    {"", "Sqrt", pointwise},
    {"", "Exp", pointwise},
    {"", "Abs", pointwise},
    {"", "Neg", pointwise},
    {"", "Identity", pointwise},
    {"", "Cast", pointwise},
    {"", "Concat", concat},
    {"", "Split", split},
    {"", "Softmax", along_axis},
    {"", "LogSoftmax", along_axis},
    {"", "Transpose", transpose},
    {"", "Reshape", reshape},
    {"", "Pad", pad},
    {"", "Resize", resize},
    {"", "Upsample", resize},
    {"", "BatchNormalization", batch_normalization},
};

}  // namespace

ChannelsLastRule find_channels_last_rule(const Node& node) {
  for (const RuleRow& row : kRules)
    if (row.domain == node.domain && row.type == node.op_type) return row.rule;
  const OpRow* row = find_operator(node.domain, node.op_type);
  const bool is_pointwise = row != nullptr && node.domain.empty() &&
                            (row->role == QuantRole::kPointwise || row->role == QuantRole::kClamp ||
                             row->role == QuantRole::kBounded);
  return is_pointwise ? pointwise : nullptr;
}

}  // namespace q8
