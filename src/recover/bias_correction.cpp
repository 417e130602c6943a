#include "recover/bias_correction.h"

#include "recover/input_statistics.h"
#include "recover/weighted_layer.h"

namespace q8 {
namespace {

// Where the bias of a layer stands.
struct BiasPlace {
  NodeId node = kNoNode;
  std::size_t input = 0;
};

bool is_bias(const Graph& graph, ValueId id, std::int64_t channels) {
  const Tensor* bias = graph.constant(id);
  return bias != nullptr && bias->dtype() == DType::kF32 && bias->size() == channels &&
         bias->rank() > 0 && bias->shape().back() == channels;
}

BiasPlace find_bias(const Graph& graph, const Uses& uses, const WeightedLayer& layer) {
  const Node& node = graph.node(layer.node);
  if (!node.is("MatMul")) {
    const bool is_plain =
        node.attributes.get_float("alpha", 1) == 1 && node.attributes.get_float("beta", 1) == 1;
    if (is_plain && is_bias(graph, node.input(2), layer.channels)) return {layer.node, 2};
    return {};
  }
  const NodeId add = uses.only_consumer(node.outputs[0]);
  if (add == kNoNode || !graph.node(add).is("Add")) return {};
  const std::size_t side = graph.node(add).inputs[0] == node.outputs[0] ? 1 : 0;
  if (!is_bias(graph, graph.node(add).input(side), layer.channels)) return {};
  return {add, side};
}

std::vector<double> mean_errors(const WeightedLayer& layer, const InputStatistics& statistics) {
  const Tensor integers = integer_weights(layer);
  const std::int8_t* quantized = integers.data<std::int8_t>();
  const float* real = layer.weights->data<float>();
  const double input_scale = layer.input_params->scale[0];
  std::vector<double> errors;
  for (std::int64_t c = 0; c < layer.channels; ++c) {
    const std::int64_t first = c / layer.channels_per_group() * layer.depth;
    const double scale = input_scale * layer.scale(c);
    double sum = 0;
    for (std::int64_t k = 0; k < layer.depth; ++k) {
      const std::int64_t at = layer.at(c, k);
      sum += scale * quantized[at] * statistics.mean(first + k) -
             real[at] * statistics.real_mean(first + k);
    }
    errors.push_back(sum);
  }
  return errors;
}

void correct_bias(Graph& graph, const BiasPlace& place, const std::vector<double>& errors) {
  const ValueId old = graph.node(place.node).inputs[place.input];
  const Tensor bias = *graph.constant(old);
  Tensor corrected(DType::kF32, bias.shape());
  for (std::size_t c = 0; c < errors.size(); ++c)
    corrected.mutable_data<float>()[c] = static_cast<float>(bias.data<float>()[c] - errors[c]);
  const ValueId changed = graph.add_constant(graph.value(old).name + "_corrected", corrected);
  graph.node(place.node).inputs[place.input] = changed;
}

}  // namespace

std::optional<Proposal> correct_biases(const PlannedGraph& model, const RecoveryContext& context) {
  PlannedGraph result = model;
  const Uses uses(model.graph);
  std::vector<WeightedLayer> layers = find_weighted_layers(model.graph, model.plan);
  std::erase_if(layers, [&](const WeightedLayer& layer) {
    return find_bias(model.graph, uses, layer).node == kNoNode;
  });
  const auto statistics = collect_input_statistics(
      model.graph, layers, context, {.gram = false, .what = "recover: bias correction"});
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (statistics[i].rows > 0)
      correct_bias(result.graph, find_bias(model.graph, uses, layers[i]),
                   mean_errors(layers[i], statistics[i]));
  return Proposal{.model = std::move(result)};
}

}  // namespace q8
