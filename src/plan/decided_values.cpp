#include "plan/decided_values.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "graph/bodies.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

bool is_one_of(const Node& node, std::span<const std::string_view> types) {
  return node.domain.empty() && std::ranges::find(types, node.op_type) != types.end();
}

bool decides(const Node& node) {
  static constexpr std::array<std::string_view, 4> kTypes = {"Compress", "NonMaxSuppression",
                                                             "NonZero", "Unique"};
  return is_one_of(node, kTypes);
}

// Where quantization begins to change numbers.
bool can_be_integer(const Graph& graph, const Node& node) {
  static constexpr std::array<std::string_view, 3> kRecurrent = {"GRU", "LSTM", "RNN"};
  return quant_role(graph, node) == QuantRole::kWeighted || is_one_of(node, kRecurrent);
}

bool reads_one_of(const Node& node, const std::vector<bool>& values) {
  const auto is_in = [&](ValueId id) {
    return id != kNoValue && values[static_cast<std::size_t>(id)];
  };
  bool reads = std::ranges::any_of(node.inputs, is_in);
  for_each_body(node, [&](const Graph& body) {
    for (const Capture& capture : body.captures()) reads = reads || is_in(capture.outer);
  });
  return reads;
}

struct Influence {
  std::vector<bool> computed;  // by ValueId: its numbers can change
  std::vector<bool> decided;
};

Influence influence_of(const Graph& graph) {
  const auto values = static_cast<std::size_t>(graph.value_count());
  Influence result{.computed = std::vector<bool>(values), .decided = std::vector<bool>(values)};
  const auto mark = [](const Node& node, std::vector<bool>& marks) {
    for (const ValueId id : node.outputs)
      if (id != kNoValue) marks[static_cast<std::size_t>(id)] = true;
  };
  for (const Node& node : graph.nodes()) {
    const bool reads_computed = reads_one_of(node, result.computed);
    if (reads_one_of(node, result.decided) || (decides(node) && reads_computed))
      mark(node, result.decided);
    const bool is_shape = node.is("Shape") || node.is("Size");
    if (can_be_integer(graph, node) || (reads_computed && !is_shape)) mark(node, result.computed);
  }
  return result;
}

}  // namespace

std::vector<bool> decided_values(const Graph& graph) {
  return influence_of(graph).decided;
}

std::vector<NodeInput> deciding_inputs(const Graph& graph) {
  const Influence influence = influence_of(graph);
  std::vector<NodeInput> inputs;
  std::vector<bool> taken(influence.decided.size());
  for (const ValueId id : graph.outputs()) taken[static_cast<std::size_t>(id)] = true;
  for (const Node& node : graph.nodes()) {
    if (!std::ranges::any_of(node.outputs, [&](ValueId id) {
          return id != kNoValue && influence.decided[static_cast<std::size_t>(id)];
        }))
      continue;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const auto id = static_cast<std::size_t>(node.inputs[i]);
      if (!influence.computed[id] || influence.decided[id] || taken[id]) continue;
      taken[id] = true;
      inputs.push_back({.node = node.name, .input = i});
    }
  }
  return inputs;
}

}  // namespace q8
