#include <algorithm>

#include "graph/canonicalize.h"
#include "graph/passes/channel_affine.h"

namespace q8 {
namespace {

// Where the output channels of a weight stand: W is [outer, channels, inner] seen flat. For a
// ConvTranspose with groups the channels are those of one group, repeated over the input channels.
struct WeightLayout {
  std::int64_t axis;
  std::int64_t groups;
};

// Nothing where the weight's shape does not fit the operator, which then says so itself.
std::optional<WeightLayout> layout_of(const Node& node, const Shape& weight) {
  const bool is_product = node.is("Gemm") || node.is("MatMul");
  if (is_product ? weight.rank() != 2 : weight.rank() < 3) return std::nullopt;
  if (is_product) return WeightLayout{node.attributes.get_int("transB", 0) != 0 ? 0 : 1, 1};
  if (node.is("Conv")) return WeightLayout{0, 1};
  if (!node.is("ConvTranspose")) return std::nullopt;
  const std::int64_t groups = node.attributes.get_int("group", 1);
  if (groups < 1 || weight[0] % groups != 0) return std::nullopt;
  return WeightLayout{1, groups};
}

Tensor scaled_weight(const Tensor& weight, const WeightLayout& layout,
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

// A node with constant weights, and where its result has their output channels.
struct Producer {
  NodeId id;
  WeightLayout layout;
  ChannelAxis result;
};

std::optional<Producer> producer_of(const Graph& graph, NodeId id) {
  if (id == kNoNode) return std::nullopt;
  const Node& node = graph.node(id);
  const Tensor* weight = graph.constant(node.input(1));
  if (weight == nullptr || weight->dtype() != DType::kF32) return std::nullopt;
  const auto layout = layout_of(node, weight->shape());
  if (!layout) return std::nullopt;
  const std::int64_t channels = weight->shape()[layout->axis] * layout->groups;
  // A MatMul has as many axes as its other factor.
  const ChannelAxis result =
      node.is("MatMul") ? ChannelAxis{channels, -1, 0} : ChannelAxis{channels, 1, weight->rank()};
  return Producer{id, *layout, result};
}

// The bias may be absent or have one value a channel ([N] or, for a Gemm, [1, N]); a Gemm's alpha
// and beta must be 1.
bool has_plain_bias(const Node& node, const Tensor* bias, std::int64_t channels) {
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

// The producer's weights and bias do what `affine` does. New constants: the old ones may be shared
// with other nodes.
void scale_and_shift(Graph& graph, const Producer& producer, const ChannelAffine& affine) {
  const ValueId weight_id = graph.node(producer.id).inputs[1];
  const std::string name = graph.value(weight_id).name;
  const Tensor* bias = graph.constant(graph.node(producer.id).input(2));
  if (bias != nullptr || affine.shifts()) {
    Tensor sum(DType::kF32, Shape{producer.result.channels});
    const std::vector<float> before =
        bias != nullptr ? bias->to_floats() : std::vector<float>(affine.shift.size(), 0.0f);
    for (std::size_t c = 0; c < before.size(); ++c)
      sum.mutable_data<float>()[c] =
          static_cast<float>(before[c] * affine.factor[c] + affine.shift[c]);
    const ValueId bias_id = graph.add_constant(name + "_bias", std::move(sum));
    graph.node(producer.id).inputs.resize(3, kNoValue);
    graph.node(producer.id).inputs[2] = bias_id;
  }
  if (!affine.scales()) return;
  const ValueId scaled = graph.add_constant(
      name + "_folded", scaled_weight(*graph.constant(weight_id), producer.layout, affine.factor));
  graph.node(producer.id).inputs[1] = scaled;
}

// Folds node `id` into what makes `data`, which nobody else reads.
bool fold_into_producer(Graph& graph, const Uses& uses, NodeId id, ValueId data) {
  const auto producer = producer_of(graph, uses.producer(data));
  if (!producer) return false;
  const Node& made_by = graph.node(producer->id);
  const auto affine = channel_affine(graph, graph.node(id), data, producer->result);
  if (!affine || !has_one_output(made_by)) return false;
  if (made_by.is("MatMul")
          ? affine->shifts()
          : !has_plain_bias(made_by, graph.constant(made_by.input(2)), producer->result.channels))
    return false;
  if (!graph.bypass(data, graph.node(id).outputs[0])) return false;
  graph.remove_node(id);
  scale_and_shift(graph, *producer, *affine);
  return true;
}

// (A·W + b) · c = A·(W·c) + b·c: a factor behind the Add of a bias to a MatMul, such as the layer
// scale of a transformer, goes to both.
bool fold_through_bias(Graph& graph, const Uses& uses, NodeId id, ValueId data) {
  const NodeId add_id = uses.producer(data);
  if (add_id == kNoNode || !graph.node(add_id).is("Add")) return false;
  for (std::size_t side = 0; side < 2; ++side) {
    const ValueId sum = graph.node(add_id).input(side);
    if (sum == kNoValue || uses.only_consumer(sum) != add_id) continue;
    const auto producer = producer_of(graph, uses.producer(sum));
    if (!producer || !graph.node(producer->id).is("MatMul")) continue;
    const auto bias = channel_affine(graph, graph.node(add_id), sum, producer->result);
    const auto affine = channel_affine(graph, graph.node(id), data, producer->result);
    if (!bias || !affine || affine->shifts()) continue;
    if (!graph.bypass(data, graph.node(id).outputs[0])) return false;
    graph.remove_node(id);
    scale_and_shift(graph, *producer, *affine);
    Tensor scaled(DType::kF32, Shape{producer->result.channels});
    for (std::size_t c = 0; c < bias->shift.size(); ++c)
      scaled.mutable_data<float>()[c] = static_cast<float>(bias->shift[c] * affine->factor[c]);
    const std::string name = graph.value(graph.node(add_id).inputs[1 - side]).name + "_folded";
    const ValueId constant = graph.add_constant(name, std::move(scaled));
    graph.node(add_id).inputs[1 - side] = constant;
    return true;
  }
  return false;
}

// A MatMul's columns that a Reshape made the channels of [rows, channels], such as a
// BatchNormalization needs them: W takes the factor, and the shift is added before the Reshape.
bool fold_through_reshape(Graph& graph, const Uses& uses, NodeId id, ValueId data) {
  const NodeId reshape = uses.producer(data);
  if (reshape == kNoNode || !graph.node(reshape).is("Reshape")) return false;
  const ValueId product = graph.node(reshape).inputs[0];
  const Tensor* shape = graph.constant(graph.node(reshape).input(1));
  const auto producer = producer_of(graph, uses.producer(product));
  if (!producer || !graph.node(producer->id).is("MatMul") || shape == nullptr ||
      shape->size() != 2 || shape->to_int64s()[1] != producer->result.channels ||
      uses.only_consumer(product) != reshape)
    return false;
  const auto affine = channel_affine(graph, graph.node(id), data,
                                     {.channels = producer->result.channels, .axis = 1, .rank = 2});
  if (!affine || !graph.bypass(data, graph.node(id).outputs[0])) return false;
  const std::string name = graph.node(id).name + "_shift";
  graph.remove_node(id);
  const std::vector<double> none(affine->shift.size(), 0);
  scale_and_shift(graph, *producer, {.factor = affine->factor, .shift = none});
  if (!affine->shifts()) return true;
  Tensor shift(DType::kF32, Shape{producer->result.channels});
  std::ranges::transform(affine->shift, shift.mutable_data<float>(),
                         [](double s) { return static_cast<float>(s); });
  const ValueId constant = graph.add_constant(name, std::move(shift));
  const ValueId sum = graph.add_value(name + "ed");
  graph.add_node({.name = graph.unique_node_name(name),
                  .domain = "",
                  .op_type = "Add",
                  .inputs = {product, constant},
                  .outputs = {sum},
                  .attributes = {},
                  .doc = ""});
  graph.node(reshape).inputs[0] = sum;
  return true;
}

}  // namespace

int fold_affine(Graph& graph, const Evaluate&) {
  int folded = 0;
  Uses uses(graph);
  const auto fold = [&](NodeId id, ValueId data) {
    return data != kNoValue && uses.only_consumer(data) == id &&
           (fold_into_producer(graph, uses, id, data) || fold_through_bias(graph, uses, id, data) ||
            fold_through_reshape(graph, uses, id, data));
  };
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!has_one_output(graph.node(id))) continue;
    if (!fold(id, graph.node(id).input(0)) && !fold(id, graph.node(id).input(1))) continue;
    uses = Uses(graph);
    ++folded;
  }
  return folded;
}

}  // namespace q8
