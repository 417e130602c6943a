#include "plan/value_functions.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ops/ops.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

std::size_t at(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

// Those that take each element by itself, besides the operators whose role says so.
constexpr std::array<std::string_view, 14> kElementwise = {
    "Add", "Sub",  "Mul",  "Div",        "Pow", "Erf", "Exp",
    "Log", "Gelu", "Sqrt", "Reciprocal", "Min", "Max", "Sign"};

bool is_elementwise(const Node& node) {
  if (node.outputs.size() != 1) return false;
  if (node.domain.empty() && std::ranges::find(kElementwise, node.op_type) != kElementwise.end())
    return true;
  const OpRow* row = find_operator(node.domain, node.op_type);
  if (row == nullptr) return false;
  return row->role == QuantRole::kPointwise || row->role == QuantRole::kClamp ||
         (row->role == QuantRole::kBounded && !node.is("Softmax"));
}

bool is_number(const Tensor& tensor) {
  return tensor.size() == 1 && is_floating(tensor.dtype());
}

std::ptrdiff_t computed_inputs(const Graph& graph, const Node& node) {
  return std::ranges::count_if(node.inputs,
                               [&](ValueId input) { return graph.constant(input) == nullptr; });
}

}  // namespace

ValueFunctions::ValueFunctions(const Graph& graph)
    : arguments_(graph.nodes().size(), kNoValue), inside_(graph.nodes().size(), false) {
  const Uses uses(graph);
  std::vector<ValueId> roots(graph.values().size());
  // What all computed inputs come from, seen through values where `opens`; kNoValue where they
  // differ, or are none.
  const auto common_root = [&](const Node& node, auto&& opens) {
    ValueId common = kNoValue;
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) continue;
      if (const Tensor* constant = graph.constant(input)) {
        if (!is_number(*constant)) return kNoValue;
        continue;
      }
      const ValueId root = opens(input) ? roots[at(input)] : input;
      if (common != kNoValue && root != common) return kNoValue;
      common = root;
    }
    return common;
  };
  // What computes and is stored behind its clamp.
  const auto is_clamp_behind_products = [&](const Node& node) {
    const QuantRole role = quant_role(graph, node);
    const NodeId producer = uses.producer(node.input(0));
    if (role != QuantRole::kClamp || producer == kNoNode ||
        uses.only_consumer(node.input(0)) == kNoNode)
      return false;
    const Node& before = graph.node(producer);
    const QuantRole made_by = quant_role(graph, before);
    return made_by == QuantRole::kWeighted ||
           (made_by == QuantRole::kArithmetic && computed_inputs(graph, before) > 1);
  };
  const auto follow = [&](auto&& opens, auto&& found) {
    for (ValueId id = 0; id < graph.value_count(); ++id) roots[at(id)] = id;
    for (NodeId id = 0; id < graph.node_count(); ++id) {
      const Node& node = graph.node(id);
      if (!is_elementwise(node) || is_clamp_behind_products(node)) continue;
      const ValueId root = common_root(node, opens);
      if (root == kNoValue) continue;
      roots[at(node.outputs[0])] = root;
      found(id, root);
    }
  };
  follow([](ValueId) { return true; }, [](NodeId, ValueId) {});
  std::vector<bool> open(graph.values().size(), false);  // made inside a function
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (graph.node(id).outputs.size() != 1) continue;
    const ValueId made = graph.node(id).outputs[0];
    const auto& readers = uses.consumers(made);
    inside_[at(id)] =
        roots[at(made)] != made && !readers.empty() && !graph.is_output(made) &&
        std::ranges::all_of(readers, [&](NodeId reader) {
          const Node& next = graph.node(reader);
          return next.outputs.size() == 1 && roots[at(next.outputs[0])] == roots[at(made)];
        });
    open[at(made)] = inside_[at(id)];
  }
  follow([&](ValueId value) { return open[at(value)]; },
         [&](NodeId id, ValueId root) {
           const Node& node = graph.node(id);
           const bool alone = std::ranges::find(node.inputs, root) != node.inputs.end() &&
                              quant_role(graph, node) == QuantRole::kArithmetic &&
                              computed_inputs(graph, node) == 1;
           if (!inside_[at(id)] && !alone && uses.producer(root) != kNoNode)
             arguments_[at(id)] = root;
         });
}

}  // namespace q8
