#include "recover/rounding.h"

#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "recover/input_statistics.h"
#include "recover/round_weights.h"
#include "recover/weighted_layer.h"

namespace q8 {
namespace {

constexpr std::int64_t kDeepest = 4608;  // Gram matrix of 81 MB, factor of 170 MB
// Gram matrices that are held at a time, as much as the samples may take; more layers take more
// runs over these. 256 MB would part the 384 MB of DenseNet-121.
constexpr std::int64_t kGramBytes = std::int64_t{512} << 20;
// Part of the mean diagonal that is added to it, so that inputs which were always zero have weight.
constexpr double kDamping = 0.01;

// The second moments of a group's inputs, as far as its rows let us believe them:
//   H = μμᵀ + (1 − λ)C + λ·diag(C) + damping,   λ = depth / (depth + rows)
// with C the covariance. Means are known well from few rows, covariances are not.
std::vector<double> second_moments(const InputStatistics& statistics, std::int64_t depth,
                                   std::int64_t group) {
  const auto rows = static_cast<double>(statistics.rows);
  const double trust = rows / (static_cast<double>(depth) + rows);
  const std::int32_t* gram = statistics.gram.data() + group * depth * depth;
  std::vector<double> h(static_cast<std::size_t>(depth * depth));
  double trace = 0;
  for (std::int64_t i = 0; i < depth; ++i) {
    const double mean_i = statistics.mean(group * depth + i);
    for (std::int64_t j = 0; j < depth; ++j) {
      const double means = mean_i * statistics.mean(group * depth + j);
      const double covariance = gram[i * depth + j] / rows - means;
      h[static_cast<std::size_t>(i * depth + j)] =
          means + (i == j ? covariance : trust * covariance);
    }
    trace += gram[i * depth + i] / rows;
  }
  // Inputs that are all zero leave H empty: any rounding is as good, nearest is what 1 gives.
  const double damping = trace > 0 ? kDamping * trace / static_cast<double>(depth) : 1.0;
  for (std::int64_t i = 0; i < depth; ++i) h[static_cast<std::size_t>(i * (depth + 1))] += damping;
  return h;
}

void round_group(const WeightedLayer& layer, const InputStatistics& statistics, std::int64_t group,
                 const KernelSet& kernels, Threads& threads, std::int8_t* integers) {
  const std::int64_t count = layer.channels_per_group(), first = group * count;
  const float* weights = layer.weights->data<float>();
  std::vector<float> scaled(static_cast<std::size_t>(count * layer.depth));
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t k = 0; k < layer.depth; ++k)
      scaled[static_cast<std::size_t>(c * layer.depth + k)] =
          weights[layer.at(first + c, k)] / layer.scale(first + c);
  const WeightRounder rounder(second_moments(statistics, layer.depth, group), layer.depth, kernels);
  const std::vector<std::int8_t> rounded = rounder.round(scaled, count, layer.levels, threads);
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t k = 0; k < layer.depth; ++k)
      integers[layer.at(first + c, k)] = rounded[static_cast<std::size_t>(c * layer.depth + k)];
}

Tensor round_layer(const WeightedLayer& layer, const InputStatistics& statistics,
                   const KernelSet& kernels, Threads& threads) {
  Tensor integers(DType::kS8, layer.weights->shape());
  std::int8_t* to = integers.mutable_data<std::int8_t>();
  if (layer.groups == 1)
    round_group(layer, statistics, 0, kernels, threads, to);
  else
    threads.parallel_for(layer.groups, 1, [&](std::int64_t begin, std::int64_t end) {
      Threads one(1);
      for (std::int64_t group = begin; group < end; ++group)
        round_group(layer, statistics, group, kernels, one, to);
    });
  return integers;
}

// The weights of the layer as context.rounded has them, where their scales and the range of its
// input are the same: rounding them once more would give the same integers. Nearly the same would
// do for the error, but then a plan that is read back would not give the same model.
const Tensor* rounded_before(const PlannedGraph& model, const WeightedLayer& layer,
                             const RecoveryContext& context) {
  if (context.rounded == nullptr) return nullptr;
  const auto place = std::pair(model.graph.node(layer.node).name, std::size_t{1});
  const auto weights = context.rounded->constants.find(place);
  const ActivationPlan* input =
      context.rounded->find_activation(model.graph.value(layer.input).name);
  if (weights == context.rounded->constants.end() || !weights->second.integers || input == nullptr)
    return nullptr;
  if (weights->second.params != model.plan.constants.at(place).params) return nullptr;
  if (input->params != *layer.input_params) return nullptr;
  return &*weights->second.integers;
}

// Of the layers, those that are not too deep.
std::vector<WeightedLayer> layers_to_round(const PlannedGraph& model,
                                           const RecoveryContext& context) {
  std::vector<WeightedLayer> layers = find_weighted_layers(model.graph, model.plan);
  std::erase_if(layers, [&](const WeightedLayer& layer) {
    if (layer.depth <= kDeepest) return false;
    if (context.note)
      context.note(model.graph.node(layer.node).label() + " sums " + std::to_string(layer.depth) +
                   " products, too many for the rounding pass: its weights are rounded to nearest");
    return true;
  });
  return layers;
}

}  // namespace

std::optional<Proposal> round_by_output_error(const PlannedGraph& model,
                                              const RecoveryContext& context) {
  PlannedGraph result = model;
  std::vector<WeightedLayer> layers = layers_to_round(model, context);
  std::erase_if(layers, [&](const WeightedLayer& layer) {
    const Tensor* known = rounded_before(model, layer, context);
    if (known != nullptr)
      result.plan.constants.at({model.graph.node(layer.node).name, std::size_t{1}}).integers =
          *known;
    return known != nullptr;
  });
  Threads threads(context.machine.threads);
  const KernelSet kernels = make_kernel_set(context.machine.isa);
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t end = first;
    std::int64_t bytes = 0;
    do {
      const WeightedLayer& layer = layers[end++];
      bytes += layer.groups * layer.depth * layer.depth * std::int64_t{sizeof(std::int32_t)};
    } while (end < layers.size() && bytes < kGramBytes);
    const std::span<const WeightedLayer> batch(layers.data() + first, end - first);
    const auto statistics = collect_input_statistics(model.graph, batch, context,
                                                     {.gram = true, .what = "recover: rounding"});
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (context.stop.stop_requested()) throw interrupted();
      if (statistics[i].rows == 0) continue;
      const std::string& node = model.graph.node(batch[i].node).name;
      result.plan.constants.at(std::pair(node, std::size_t{1})).integers =
          round_layer(batch[i], statistics[i], kernels, threads);
    }
    first = end;
  }
  return Proposal{.model = std::move(result)};
}

void take_rounded_weights(const QuantizationPlan& from, QuantizationPlan& to) {
  for (auto& [place, constant] : to.constants) {
    const auto rounded = from.constants.find(place);
    if (rounded != from.constants.end() && rounded->second.params == constant.params)
      constant.integers = rounded->second.integers;
  }
}

}  // namespace q8
