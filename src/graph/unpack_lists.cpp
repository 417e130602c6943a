#include "graph/unpack_lists.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "graph/bodies.h"

namespace q8 {
namespace {

// Of the numbers from `begin` on, those before `end`: as Slice counts them.
struct Part {
  std::int64_t begin, end;
};

std::optional<std::vector<std::int64_t>> constant_integers(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr || tensor->rank() > 1) return std::nullopt;
  if (tensor->dtype() != DType::kS64 && tensor->dtype() != DType::kS32) return std::nullopt;
  const Tensor wide = cast(*tensor, DType::kS64);
  const auto values = wide.values<std::int64_t>();
  return std::vector<std::int64_t>(values.begin(), values.end());
}

// The part at the position of the list that `split` makes; nothing where the tensor's length
// decides it, or there is none.
std::optional<Part> part_of(const Graph& graph, const Node& split, std::int64_t position) {
  constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLongest = std::int64_t{1} << 31;
  if (split.input(1) == kNoValue) return Part{position, position == -1 ? kToTheEnd : position + 1};
  const auto lengths = constant_integers(graph, split.inputs[1]);
  if (!lengths || std::ranges::any_of(*lengths, [](std::int64_t length) {
        return length < 0 || length > kLongest;
      }))
    return std::nullopt;
  if (graph.constant(split.inputs[1])->rank() == 0) {
    const std::int64_t length = lengths->front();
    if (position < 0 || position > kLongest || length == 0) return std::nullopt;
    return Part{position * length, position * length + length};
  }
  const std::int64_t count = std::ssize(*lengths);
  if (position < 0) position += count;
  if (position < 0 || position >= count) return std::nullopt;
  const std::int64_t begin =
      std::accumulate(lengths->begin(), lengths->begin() + position, std::int64_t{0});
  return Part{begin, begin + (*lengths)[static_cast<std::size_t>(position)]};
}

// SequenceAt becomes a Slice of the tensor that was split, or a Gather where the part has not its
// axis any more.
void take_from_tensor(Graph& graph, NodeId id, const Node& split, std::int64_t position,
                      Part part) {
  const std::string name = graph.value(graph.node(id).outputs[0]).name;
  const std::int64_t axis = split.attributes.get_int("axis", 0);
  Node taken = graph.node(id);
  if (split.input(1) == kNoValue && split.attributes.get_int("keepdims", 1) == 0) {
    taken.op_type = "Gather";
    taken.attributes.set("axis", axis);
    taken.inputs = {split.inputs[0],
                    graph.add_constant(name + "_position", Tensor::scalar(position))};
  } else {
    const auto number = [&](const char* what, std::int64_t value) {
      return graph.add_constant(name + what, Tensor::of<std::int64_t>({1}, {value}));
    };
    taken.op_type = "Slice";
    taken.inputs = {split.inputs[0], number("_begin", part.begin), number("_end", part.end),
                    number("_axis", axis)};
  }
  graph.node(id) = std::move(taken);
}

struct Taken {
  NodeId node;
  std::int64_t position;
  Part part;
};

bool has_one_output(const Node& node) {
  return node.outputs.size() == 1 && node.outputs[0] != kNoValue;
}

// Who takes which part of the list; nothing where somebody does anything else with it.
std::optional<std::vector<Taken>> takers(const Graph& graph, const Uses& uses, const Node& split) {
  const ValueId list = split.outputs[0];
  if (graph.is_output(list)) return std::nullopt;
  std::vector<Taken> all;
  for (const NodeId id : uses.consumers(list)) {
    const Node& reader = graph.node(id);
    if (!reader.is("SequenceAt") || reader.input(0) != list || !has_one_output(reader))
      return std::nullopt;
    const auto position = constant_integers(graph, reader.input(1));
    if (!position || position->size() != 1) return std::nullopt;
    const auto part = part_of(graph, split, position->front());
    if (!part) return std::nullopt;
    all.push_back({id, position->front(), *part});
  }
  return all;
}

}  // namespace

void unpack_lists(Graph& graph) {
  for (NodeId id = 0; id < graph.node_count(); ++id)
    if (has_body(graph.node(id))) edit_bodies(graph.node(id), unpack_lists);
  const auto is_split = [](const Node& node) { return node.is("SplitToSequence"); };
  if (std::ranges::none_of(graph.nodes(), is_split)) return;
  const Uses uses(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node split = graph.node(id);
    if (!is_split(split) || !has_one_output(split)) continue;
    const auto all = takers(graph, uses, split);
    if (!all) continue;
    for (const Taken& taken : *all)
      take_from_tensor(graph, taken.node, split, taken.position, taken.part);
    graph.remove_node(id);
  }
}

}  // namespace q8
