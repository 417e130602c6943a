#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// A layer with constant weights, seen as `groups` products of matrices:
//   y[row, c] = Σ_k x[row, group of c, k] · w[c, k],   k < depth
// Conv (any group), Gemm (A not transposed) and MatMul with a constant matrix on the right.
struct WeightedLayer {
  NodeId node = kNoNode;
  ValueId input = kNoValue;  // x
  // Null for a layer of which no plan was asked; both live as long as the plan does.
  const QuantParams* input_params = nullptr;
  const ConstantPlan* weights_plan = nullptr;
  const Tensor* weights = nullptr;  // FP32, lives as long as the graph does
  std::int32_t levels = 127;        // integers are within ±levels, for the target
  std::int64_t groups = 1, channels = 0, depth = 0;
  std::int64_t channel_stride = 1, depth_stride = 1;  // of w, in elements

  std::int64_t channels_per_group() const { return channels / groups; }
  std::int64_t at(std::int64_t c, std::int64_t k) const {
    return c * channel_stride + k * depth_stride;
  }
  float scale(std::int64_t c) const {
    const auto& scales = weights_plan->params.scale;
    return scales[weights_plan->params.is_per_tensor() ? 0 : static_cast<std::size_t>(c)];
  }
};

// The node as such a layer, whatever a plan makes of it; nothing where it is none, or where its
// weights are not in FP32.
std::optional<WeightedLayer> describe_layer(const Graph& graph, NodeId node);

// Integer layers with s8 weights, in the order of the graph. Those that share their weights with
// another node are not among them.
std::vector<WeightedLayer> find_weighted_layers(const Graph& graph, const QuantizationPlan& plan);

// The s8 weights of a layer, in the order of its FP32 ones.
Tensor integer_weights(const WeightedLayer& layer);

}  // namespace q8
