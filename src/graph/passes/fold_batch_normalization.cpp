#include <algorithm>
#include <cmath>

#include "graph/canonicalize.h"

namespace q8 {
namespace {

// y = scale · (x − mean) / sqrt(variance + epsilon) + bias, as factor · x + shift per channel.
struct Affine {
  std::vector<double> factor, shift;
};

std::optional<Affine> affine_of(const Graph& graph, const Node& norm) {
  if (norm.attributes.get_int("training_mode", 0) != 0) return std::nullopt;
  std::vector<std::vector<float>> constants;  // scale, bias, mean, variance
  for (std::size_t i = 1; i <= 4; ++i) {
    const Tensor* constant = graph.constant(norm.input(i));
    if (constant == nullptr || constant->dtype() != DType::kF32) return std::nullopt;
    constants.push_back(constant->to_floats());
    if (constants.back().size() != constants[0].size()) return std::nullopt;
  }
  const double epsilon = static_cast<double>(norm.attributes.get_float("epsilon", 1e-5f));
  Affine affine;
  for (std::size_t c = 0; c < constants[0].size(); ++c) {
    const double factor =
        constants[0][c] / std::sqrt(static_cast<double>(constants[3][c]) + epsilon);
    affine.factor.push_back(factor);
    affine.shift.push_back(constants[1][c] - constants[2][c] * factor);
  }
  return affine;
}

// Where the output channels of a weight stand: W is [outer, channels, inner] seen flat. For a
// ConvTranspose with groups the channels are those of one group, repeated over the input channels.
struct ChannelLayout {
  std::int64_t axis;
  std::int64_t groups;
};

// Nothing where the weight's shape does not fit the operator, which then says so itself.
std::optional<ChannelLayout> layout_of(const Node& node, const Shape& weight) {
  const bool is_gemm = node.is("Gemm");
  if (is_gemm ? weight.rank() != 2 : weight.rank() < 3) return std::nullopt;
  if (is_gemm) return ChannelLayout{node.attributes.get_int("transB", 0) != 0 ? 0 : 1, 1};
  if (node.is("Conv")) return ChannelLayout{0, 1};
  if (!node.is("ConvTranspose")) return std::nullopt;
  const std::int64_t groups = node.attributes.get_int("group", 1);
  if (groups < 1 || weight[0] % groups != 0) return std::nullopt;
  return ChannelLayout{1, groups};
}

Tensor scaled_weight(const Tensor& weight, const ChannelLayout& layout,
                     const std::vector<double>& factor) {
  const Shape& shape = weight.shape();
  const std::int64_t channels = shape[layout.axis],
                     inner = shape.count(layout.axis + 1, shape.rank());
  const std::int64_t outer = shape.count(0, layout.axis), outer_per_group = outer / layout.groups;
  Tensor scaled(DType::kF32, shape);
  const float* from = weight.data<float>();
  float* to = scaled.mutable_data<float>();
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t group = layout.groups == 1 ? 0 : o / outer_per_group;
      const double by = factor[static_cast<std::size_t>(group * channels + c)];
      for (std::int64_t i = 0; i < inner; ++i, ++from, ++to) *to = static_cast<float>(*from * by);
    }
  return scaled;
}

// The bias may be absent or have one value a channel ([N] or, for a Gemm, [1, N]); a Gemm's alpha
// and beta must be 1.
bool is_plain(const Node& node, const Tensor* bias, std::int64_t channels) {
  if (node.is("Gemm") &&
      (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1))
    return false;
  if (bias == nullptr) return node.input(2) == kNoValue;
  return bias->rank() > 0 && bias->size() == channels && bias->shape().back() == channels;
}

// Old BatchNormalizations may give running means as well.
bool has_one_output(const Node& node) {
  return !node.outputs.empty() && node.outputs[0] != kNoValue &&
         std::all_of(node.outputs.begin() + 1, node.outputs.end(),
                     [](ValueId id) { return id == kNoValue; });
}

bool fold_one(Graph& graph, NodeId producer, NodeId norm_id) {
  const Node& norm = graph.node(norm_id);
  const Node& node = graph.node(producer);
  const Tensor* weight = graph.constant(node.input(1));
  const Tensor* bias = graph.constant(node.input(2));
  if (weight == nullptr || weight->dtype() != DType::kF32) return false;
  const auto layout = layout_of(node, weight->shape());
  const auto affine = affine_of(graph, norm);
  if (!layout || !affine) return false;
  const std::int64_t channels = weight->shape()[layout->axis] * layout->groups;
  if (static_cast<std::int64_t>(affine->factor.size()) != channels) return false;
  if (!is_plain(node, bias, channels)) return false;

  const std::vector<float> old_bias =
      bias != nullptr ? bias->to_floats() : std::vector<float>(affine->factor.size(), 0.0f);
  Tensor new_bias(DType::kF32, Shape{channels});
  for (std::size_t c = 0; c < old_bias.size(); ++c)
    new_bias.mutable_data<float>()[c] =
        static_cast<float>(old_bias[c] * affine->factor[c] + affine->shift[c]);
  Tensor new_weight = scaled_weight(*weight, *layout, affine->factor);

  const ValueId from = node.outputs[0], to = norm.outputs[0];
  const std::string weight_name = graph.value(node.inputs[1]).name;
  const std::string bias_name = weight_name + "_bias";
  if (!graph.bypass(from, to)) return false;
  graph.remove_node(norm_id);
  // New constants: the old ones may be shared with other nodes.
  const ValueId weight_id = graph.add_constant(weight_name + "_folded", std::move(new_weight));
  const ValueId bias_id = graph.add_constant(bias_name, std::move(new_bias));
  Node& folded = graph.node(producer);
  folded.inputs.resize(3, kNoValue);
  folded.inputs[1] = weight_id;
  folded.inputs[2] = bias_id;
  return true;
}

}  // namespace

int fold_batch_normalization(Graph& graph, const Evaluate&) {
  int folded = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!graph.node(id).is("BatchNormalization") || !has_one_output(graph.node(id))) continue;
    const ValueId input = graph.node(id).input(0);
    const Uses uses(graph);
    if (input == kNoValue || uses.only_consumer(input) != id) continue;
    const NodeId producer = uses.producer(input);
    if (producer == kNoNode || !has_one_output(graph.node(producer))) continue;
    folded += fold_one(graph, producer, id);
  }
  return folded;
}

}  // namespace q8
