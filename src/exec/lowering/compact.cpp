#include "exec/lowering/compact.h"

#include <algorithm>
#include <utility>

#include "graph/bodies.h"

namespace q8 {
namespace {

// By value: whether the graph has it as an input or output, or a node reads or makes it.
std::vector<bool> used_values(const Graph& graph) {
  std::vector<bool> used(graph.values().size(), false);
  const auto use = [&](const std::vector<ValueId>& ids) {
    for (const ValueId id : ids)
      if (id != kNoValue) used[static_cast<std::size_t>(id)] = true;
  };
  use(graph.inputs());
  use(graph.outputs());
  for (const Node& node : graph.nodes()) {
    use(node.inputs);
    use(node.outputs);
  }
  return used;
}

}  // namespace

void compact(LoweredGraph& lowered) {
  Graph& old = lowered.graph;
  if (!old.captures().empty() || std::ranges::any_of(old.nodes(), has_body)) return;
  const std::vector<bool> used = used_values(old);
  LoweredGraph small;
  small.graph.name = old.name;
  small.graph.opsets = old.opsets;
  std::vector<ValueId> renumbered(used.size(), kNoValue);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    Value& value = old.value(static_cast<ValueId>(i));
    renumbered[i] = small.graph.add_value(value.name);
    Value& moved = small.graph.value(renumbered[i]);
    moved.type = std::move(value.type);
    moved.constant = std::move(value.constant);
    small.origins.push_back(std::move(lowered.origins[i]));
  }
  const auto renumber = [&](ValueId id) {
    return id == kNoValue ? kNoValue : renumbered[static_cast<std::size_t>(id)];
  };
  for (const ValueId id : old.inputs()) small.graph.add_input(renumber(id));
  for (const ValueId id : old.outputs()) small.graph.add_output(renumber(id));
  for (Node& node : old.take_nodes()) {
    std::ranges::transform(node.inputs, node.inputs.begin(), renumber);
    std::ranges::transform(node.outputs, node.outputs.begin(), renumber);
    small.graph.append_node(std::move(node));
  }
  lowered = std::move(small);
}

}  // namespace q8
