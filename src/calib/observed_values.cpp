#include "calib/observed_values.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "graph/bodies.h"

namespace q8 {
namespace {

using Channels = ObservedValue::Channels;

template <std::size_t N>
bool is_one_of(const Node& node, const std::array<std::string_view, N>& types) {
  return node.domain.empty() && std::find(types.begin(), types.end(), node.op_type) != types.end();
}

constexpr std::array<std::string_view, 10> kSecondAxis = {
    "Conv",    "ConvTranspose", "BatchNormalization", "InstanceNormalization",
    "MaxPool", "AveragePool",   "GlobalMaxPool",      "GlobalAveragePool",
    "LRN",     "PRelu"};
constexpr std::array<std::string_view, 3> kLastAxis = {"MatMul", "Gemm", "LayerNormalization"};
constexpr std::array<std::string_view, 18> kElementwise = {
    "Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf",      "Gelu",
    "Add",  "Sub",  "Mul",       "Div",     "Softmax",     "Elu",       "Pow",  "Softplus", "Mish"};
// What stands between a mask and the Softmax it is meant for.
constexpr std::array<std::string_view, 18> kMasking = {
    "Add",     "Sub",    "Mul",  "Div",       "Where",   "Min",   "Max",    "Neg",       "Cast",
    "Reshape", "Expand", "Tile", "Unsqueeze", "Squeeze", "Slice", "Concat", "Transpose", "Gather"};

Channels channels_of(const Node& node) {
  if (is_one_of(node, kSecondAxis)) return Channels::kSecond;
  if (is_one_of(node, kLastAxis)) return Channels::kLast;
  return Channels::kUnknown;
}

std::vector<Channels> find_channels(const Graph& graph) {
  std::vector<Channels> channels(graph.values().size(), Channels::kUnknown);
  const auto set = [&](ValueId id, Channels c) {
    if (id != kNoValue && channels[static_cast<std::size_t>(id)] == Channels::kUnknown)
      channels[static_cast<std::size_t>(id)] = c;
  };
  // Readers before makers: statistics of a value are for who reads it. Convolutions first.
  for (const Channels wanted : {Channels::kSecond, Channels::kLast})
    for (const Node& node : graph.nodes())
      if (channels_of(node) == wanted) {
        set(node.input(0), wanted);
        if (node.is("MatMul")) set(node.input(1), wanted);
      }
  for (const Node& node : graph.nodes()) {
    Channels c = channels_of(node);
    if (c == Channels::kUnknown && is_one_of(node, kElementwise))
      for (const ValueId input : node.inputs)
        if (input != kNoValue && c == Channels::kUnknown)
          c = channels[static_cast<std::size_t>(input)];
    if (!node.outputs.empty()) set(node.outputs.front(), c);
  }
  return channels;
}

std::vector<bool> find_masked(const Graph& graph) {
  std::vector<bool> masked(graph.values().size(), false);
  const auto nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const bool is_softmax = node->is("Softmax") || node->is("LogSoftmax");
    const bool passes_on = is_one_of(*node, kMasking) && !node->outputs.empty() &&
                           node->outputs[0] != kNoValue &&
                           masked[static_cast<std::size_t>(node->outputs[0])];
    if (!is_softmax && !passes_on) continue;
    for (const ValueId input : node->inputs)
      if (input != kNoValue) masked[static_cast<std::size_t>(input)] = true;
  }
  return masked;
}

bool clamps_at_zero(const Graph& graph, const Node& node) {
  if (node.is("Relu")) return true;
  if (!node.is("Clip")) return false;
  if (const Tensor* low = graph.constant(node.input(1)))
    return low->size() == 1 && low->to_floats()[0] == 0;
  return node.attributes.has("min") && node.attributes.get_float("min", 0) == 0;
}

}  // namespace

std::vector<ObservedValue> find_observed_values(const Graph& graph, bool clamped_values) {
  const Uses uses(graph);
  const std::vector<Channels> channels = find_channels(graph);
  const std::vector<bool> masked = find_masked(graph);
  std::vector<ObservedValue> observed;
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    if (graph.constant(id) || (uses.producer(id) == kNoNode && !graph.is_input(id))) continue;
    if (uses.consumers(id).empty() && !graph.is_output(id)) continue;
    const NodeId reader = uses.only_consumer(id);
    if (!clamped_values && reader != kNoNode && clamps_at_zero(graph, graph.node(reader))) continue;
    observed.push_back({.id = id,
                        .name = graph.value(id).name,
                        .channels = channels[static_cast<std::size_t>(id)],
                        .may_be_masked = masked[static_cast<std::size_t>(id)]});
  }
  return observed;
}

std::vector<ObservedValue> find_all_observed_values(const Graph& graph, bool clamped_values) {
  std::vector<ObservedValue> all = find_observed_values(graph, clamped_values), inner;
  for (const PlacedGraph& placed : with_bodies(graph)) {
    if (placed.graph == &graph) continue;
    for (ObservedValue& value : find_observed_values(*placed.graph, clamped_values)) {
      value.in_body = value.may_be_masked = true;
      inner.push_back(std::move(value));
    }
  }
  std::ranges::sort(inner, {}, &ObservedValue::name);
  std::ranges::move(inner, std::back_inserter(all));
  return all;
}

}  // namespace q8
