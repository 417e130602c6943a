#include "exec/shape_memo.h"

#include <algorithm>
#include <cstring>

#include "graph/bodies.h"

namespace q8 {
namespace {

// Masks can be made of shapes too; those are made anew, not held from run to run.
constexpr std::size_t kLargest = 4096;  // bytes of a node's results

// What stays from run to run shall not stand among the buffers of a run.
Tensor on_heap(const Tensor& tensor) {
  Tensor copy(tensor.dtype(), tensor.shape());
  if (tensor.size_bytes() > 0)
    std::memcpy(copy.mutable_bytes(), tensor.bytes(), tensor.size_bytes());
  return copy;
}

bool looks_at_shape_alone(const Node& node) {
  return node.is("Shape") || node.is("Size");
}

}  // namespace

ShapeMemo::ShapeMemo(const Graph& graph)
    : graph_(graph), entries_(graph.nodes().size()), when_made_(graph.values().size()) {
  std::vector<bool> is_of_shapes(graph.values().size(), false);
  for (ValueId id = 0; id < graph.value_count(); ++id)
    is_of_shapes[static_cast<std::size_t>(id)] = graph.constant(id) != nullptr;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const bool of_shape = looks_at_shape_alone(node);
    const bool of_such = std::ranges::all_of(node.inputs, [&](ValueId input) {
      return input == kNoValue || is_of_shapes[static_cast<std::size_t>(input)];
    });
    if (!of_shape && (!of_such || has_body(node))) continue;
    entries_[static_cast<std::size_t>(id)] = Entry{.reads_a_shape = of_shape};
    for (const ValueId output : node.outputs)
      if (output != kNoValue) is_of_shapes[static_cast<std::size_t>(output)] = true;
  }
}

const Tensor& ShapeMemo::value(ValueId id, std::span<const Tensor> slots) const {
  const Tensor* constant = graph_.constant(id);
  return constant != nullptr ? *constant : slots[static_cast<std::size_t>(id)];
}

bool ShapeMemo::is_as_before(const Node& node, const Entry& entry,
                             std::span<const Tensor> slots) const {
  if (entry.reads_a_shape) return value(node.inputs[0], slots).shape() == entry.shape;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (when_made(node.inputs[i]) != entry.made[i]) return false;
  return true;
}

bool ShapeMemo::recall(NodeId id, std::span<Tensor> slots) const {
  const auto& entry = entries_[static_cast<std::size_t>(id)];
  const Node& node = graph_.node(id);
  if (!entry || !entry->is_kept || !is_as_before(node, *entry, slots)) return false;
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i] != kNoValue)
      slots[static_cast<std::size_t>(node.outputs[i])] = entry->results[i];
  return true;
}

void ShapeMemo::keep(NodeId id, std::span<const Tensor> slots) {
  auto& entry = entries_[static_cast<std::size_t>(id)];
  if (!entry) return;
  const Node& node = graph_.node(id);
  if (entry->reads_a_shape) entry->shape = value(node.inputs[0], slots).shape();
  entry->made.clear();
  for (const ValueId input : node.inputs) entry->made.push_back(when_made(input));
  ++now_;
  entry->results.clear();
  std::size_t bytes = 0;
  for (const ValueId output : node.outputs) {
    Tensor& result = entry->results.emplace_back();
    if (output == kNoValue) continue;
    when_made_[static_cast<std::size_t>(output)] = now_;
    const Tensor& made = slots[static_cast<std::size_t>(output)];
    bytes += made.size_bytes();
    if (bytes <= kLargest) result = on_heap(made);
  }
  entry->is_kept = bytes <= kLargest;
  if (!entry->is_kept) entry->results.clear();
}

}  // namespace q8
