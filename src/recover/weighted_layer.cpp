#include "recover/weighted_layer.h"

#include "calib/weights.h"
#include "plan/targets.h"

namespace q8 {
namespace {

// Sets the extents of the products; false where the node is none of those that we know.
bool describe_products(const Node& node, WeightedLayer& layer) {
  const Shape& shape = layer.weights->shape();
  if (node.is("Conv")) {
    layer.groups = node.attributes.get_int("group", 1);
    layer.channels = shape[0];
    layer.depth = shape.count(1, shape.rank());
    layer.channel_stride = layer.depth;
    return layer.groups > 0 && layer.channels % layer.groups == 0;
  }
  const bool is_gemm = node.is("Gemm") && node.attributes.get_int("transA", 0) == 0;
  if ((!is_gemm && !node.is("MatMul")) || shape.rank() != 2) return false;
  const bool is_transposed = is_gemm && node.attributes.get_int("transB", 0) != 0;
  layer.channels = shape[is_transposed ? 0 : 1];
  layer.depth = shape[is_transposed ? 1 : 0];
  layer.channel_stride = is_transposed ? layer.depth : 1;
  layer.depth_stride = is_transposed ? 1 : layer.channels;
  return true;
}

// Whether scales go with the channels as the layer counts them.
bool has_scale_per_channel(const WeightedLayer& layer) {
  const QuantParams& params = layer.weights_plan->params;
  return params.is_per_tensor() || static_cast<std::int64_t>(params.scale.size()) == layer.channels;
}

}  // namespace

std::optional<WeightedLayer> describe_layer(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.inputs.size() < 2) return std::nullopt;
  WeightedLayer layer{
      .node = id, .input = node.inputs[0], .weights = graph.constant(node.inputs[1])};
  if (layer.weights == nullptr || layer.weights->size() == 0 ||
      layer.weights->dtype() != DType::kF32 || !describe_products(node, layer))
    return std::nullopt;
  return layer;
}

std::vector<WeightedLayer> find_weighted_layers(const Graph& graph, const QuantizationPlan& plan) {
  const Uses uses(graph);
  std::vector<WeightedLayer> layers;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const NodePlan* node_plan = plan.find_node(node.name);
    if (node_plan == nullptr || node_plan->mode != NodeMode::kInteger) continue;
    std::optional<WeightedLayer> layer = describe_layer(graph, id);
    if (!layer) continue;
    layer->weights_plan = plan.find_constant(node.name, 1);
    layer->levels = find_target(plan.target).weight_levels;
    const ActivationPlan* input = plan.find_activation(graph.value(layer->input).name);
    // The statistics of inputs are exact sums of bytes' products in 32 bits: not of 16-bit inputs.
    if (input == nullptr || dtype_size(input->params.dtype) != 1 ||
        layer->weights_plan == nullptr || layer->weights_plan->params.dtype != DType::kS8 ||
        uses.consumers(node.inputs[1]).size() != 1)
      continue;
    layer->input_params = &input->params;
    if (has_scale_per_channel(*layer)) layers.push_back(*layer);
  }
  return layers;
}

Tensor integer_weights(const WeightedLayer& layer) {
  const ConstantPlan& plan = *layer.weights_plan;
  return plan.integers ? *plan.integers
                       : quantize_weights(*layer.weights, plan.params, layer.levels);
}

}  // namespace q8
