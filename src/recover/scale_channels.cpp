#include <utility>

#include "recover/channel_groups.h"

namespace q8 {
namespace {

Tensor divided_vector(const Tensor& constant, std::span<const float> factors) {
  Tensor divided(DType::kF32, constant.shape());
  for (std::size_t c = 0; c < factors.size(); ++c)
    divided.mutable_data<float>()[c] = constant.data<float>()[c] / factors[c];
  return divided;
}

// w[c, k] · factor(c, k)
template <typename Factor>
Tensor scaled_weights(const WeightedLayer& layer, Factor&& factor) {
  Tensor scaled(DType::kF32, layer.weights->shape());
  for (std::int64_t c = 0; c < layer.channels; ++c)
    for (std::int64_t k = 0; k < layer.depth; ++k) {
      const std::int64_t at = layer.at(c, k);
      scaled.mutable_data<float>()[at] =
          static_cast<float>(layer.weights->data<float>()[at] * factor(c, k));
    }
  return scaled;
}

// A new constant: others may read the old one.
void replace_constant(Graph& graph, NodeId node, std::size_t input, Tensor tensor) {
  const std::string name = graph.value(graph.node(node).inputs[input]).name + "_scaled";
  const ValueId scaled = graph.add_constant(name, std::move(tensor));
  graph.node(node).inputs[input] = scaled;
}

void divide(Graph& graph, const DividedConstant& maker, std::span<const float> factors) {
  if (!maker.is_weights) {
    const Tensor& constant = *graph.constant(graph.node(maker.node).inputs[maker.input]);
    return replace_constant(graph, maker.node, maker.input, divided_vector(constant, factors));
  }
  // The layer as it is now: it may have been a reader of another group.
  const WeightedLayer layer = *describe_layer(graph, maker.node);
  replace_constant(graph, maker.node, maker.input,
                   scaled_weights(layer, [&](std::int64_t c, std::int64_t) {
                     return 1.0 / static_cast<double>(factors[static_cast<std::size_t>(c)]);
                   }));
}

void multiply(Graph& graph, const ChannelGroup& group, const ChannelReader& reader,
              std::span<const float> factors) {
  const WeightedLayer layer = *describe_layer(graph, reader.layer.node);
  replace_constant(graph, layer.node, 1, scaled_weights(layer, [&](std::int64_t c, std::int64_t k) {
                     const std::int64_t channel = group.channel(reader, reader.column(c, k));
                     return static_cast<double>(factors[static_cast<std::size_t>(channel)]);
                   }));
}

// readers read value · 1/factor
ValueId put_product(Graph& graph, const ChannelGroup& group, std::span<const float> factors) {
  const ValueId value = group.values.front();
  const std::string name = graph.value(value).name;
  std::vector<std::int64_t> dims{group.channels};
  const ChannelReader& first = group.readers.front();
  if (first.is_conv())  // [C, 1, …], beside [N, C, …]
    dims.resize(
        static_cast<std::size_t>(describe_layer(graph, first.layer.node)->weights->rank() - 1), 1);
  Tensor inverse(DType::kF32, Shape(std::move(dims)));
  for (std::size_t c = 0; c < factors.size(); ++c)
    inverse.mutable_data<float>()[c] = 1 / factors[c];
  const ValueId constant = graph.add_constant(name + "_factors", std::move(inverse));
  const ValueId scaled = graph.add_value(name + "_scaled");
  graph.value(scaled).type = graph.value(value).type;
  graph.add_node({.name = graph.unique_node_name(name + "_scale"),
                  .domain = "",
                  .op_type = "Mul",
                  .inputs = {value, constant},
                  .outputs = {scaled},
                  .attributes = {},
                  .doc = ""});
  for (const ChannelReader& reader : group.readers)
    graph.node(reader.layer.node).inputs[0] = scaled;
  return scaled;
}

}  // namespace

std::vector<ValueId> scale_channels(Graph& graph, std::span<const ScaledChannels> scaled) {
  std::vector<ValueId> changed;
  for (const ScaledChannels& one : scaled) {
    const ChannelGroup& group = *one.group;
    for (const DividedConstant& maker : group.makers) divide(graph, maker, one.factors);
    for (const ChannelReader& reader : group.readers) multiply(graph, group, reader, one.factors);
    if (group.needs_product())
      changed.push_back(put_product(graph, group, one.factors));
    else
      changed.insert(changed.end(), group.values.begin(), group.values.end());
  }
  graph.tidy();
  return changed;
}

}  // namespace q8
