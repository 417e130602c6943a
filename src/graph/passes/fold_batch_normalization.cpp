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

std::optional<ChannelLayout> layout_of(const Node& node) {
  if (node.is("Conv")) return ChannelLayout{0, 1};
  if (node.is("ConvTranspose")) return ChannelLayout{1, node.attributes.get_int("group", 1)};
  if (node.is("Gemm")) return ChannelLayout{node.attributes.get_int("transB", 0) != 0 ? 0 : 1, 1};
  return std::nullopt;
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

// Gemm's C may be absent, a scalar, [N] or [1, N]; alpha and beta must be plain.
bool is_plain_gemm(const Graph& graph, const Node& node, std::int64_t channels) {
  if (!node.is("Gemm")) return true;
  if (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1)
    return false;
  if (node.input(2) == kNoValue) return true;
  const Tensor* c = graph.constant(node.input(2));
  return c != nullptr && c->size() == channels && c->shape().back() == channels;
}

bool fold_one(Graph& graph, NodeId producer, NodeId norm_id) {
  const Node& norm = graph.node(norm_id);
  const Node& node = graph.node(producer);
  const auto layout = layout_of(node);
  const auto affine = affine_of(graph, norm);
  if (!layout || !affine) return false;
  const Tensor* weight = graph.constant(node.input(1));
  const Tensor* bias = graph.constant(node.input(2));
  if (weight == nullptr || weight->dtype() != DType::kF32) return false;
  if (node.input(2) != kNoValue && bias == nullptr) return false;
  const std::int64_t channels = weight->shape()[layout->axis] * layout->groups;
  if (static_cast<std::int64_t>(affine->factor.size()) != channels) return false;
  if (!is_plain_gemm(graph, node, channels)) return false;

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
    if (!graph.node(id).is("BatchNormalization") || graph.node(id).outputs.empty()) continue;
    const Uses uses(graph);
    const NodeId producer = uses.producer(graph.node(id).inputs[0]);
    if (producer == kNoNode || uses.only_consumer(graph.node(id).inputs[0]) != id) continue;
    folded += fold_one(graph, producer, id);
  }
  return folded;
}

}  // namespace q8
