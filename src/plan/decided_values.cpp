#include "plan/decided_values.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "graph/bodies.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

// Operators whose result's shape follows from the numbers in some of their inputs.
struct Decider {
  std::string_view op_type;
  std::size_t first, last;  // those inputs
};
constexpr Decider kDeciders[] = {
    {"Compress", 0, 1}, {"ConstantOfShape", 0, 0},
    {"Expand", 1, 1},   {"If", 0, 0},
    {"Loop", 0, 1},     {"NonMaxSuppression", 0, 4},
    {"NonZero", 0, 0},  {"OneHot", 1, 1},
    {"Pad", 1, 1},      {"Range", 0, 2},
    {"Reshape", 1, 1},  {"Resize", 1, 3},
    {"Slice", 1, 4},    {"Split", 1, 1},
    {"Tile", 1, 1},     {"TopK", 1, 1},
    {"Unique", 0, 0},
};

// Where quantization begins to change numbers.
bool can_be_integer(const Graph& graph, const Node& node) {
  return quant_role(graph, node) == QuantRole::kWeighted || node.is("GRU") || node.is("LSTM") ||
         node.is("RNN");
}

bool is_in(const std::vector<bool>& values, ValueId id) {
  return id != kNoValue && values[static_cast<std::size_t>(id)];
}

bool decides(const Node& node, const std::vector<bool>& computed) {
  const auto row = std::ranges::find(kDeciders, node.op_type, &Decider::op_type);
  if (row == std::end(kDeciders) || !node.domain.empty()) return false;
  bool reads = false;
  for (std::size_t i = row->first; i <= row->last; ++i)
    reads = reads || is_in(computed, node.input(i));
  return reads;
}

bool reads_one_of(const Node& node, const std::vector<bool>& values) {
  bool reads = std::ranges::any_of(node.inputs, [&](ValueId id) { return is_in(values, id); });
  for_each_body(node, [&](const Graph& body) {
    for (const Capture& capture : body.captures()) reads = reads || is_in(values, capture.outer);
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
    if (reads_one_of(node, result.decided) || decides(node, result.computed))
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
    if (!std::ranges::any_of(node.outputs,
                             [&](ValueId id) { return is_in(influence.decided, id); }))
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
