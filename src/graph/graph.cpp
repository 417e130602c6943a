#include "graph/graph.h"

#include <algorithm>
#include <queue>
#include <set>

#include "base/error.h"
#include "graph/arity.h"
#include "graph/bodies.h"

namespace q8 {
namespace {

// The outer values that a node's subgraphs read.
template <typename Function>
void for_each_captured(const Node& node, Function&& function) {
  for (const auto& [name, attribute] : node.attributes)
    if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute))
      for (const Capture& capture : (*body)->captures()) function(capture.outer);
}

// All outer values that a node reads: inputs, then captures.
template <typename Function>
void for_each_read(const Node& node, Function&& function) {
  for (const ValueId id : node.inputs)
    if (id != kNoValue) function(id);
  for_each_captured(node, function);
}

void redirect_captures(Node& node, ValueId from, ValueId to) {
  bool found = false;
  for_each_captured(node, [&](ValueId id) { found |= id == from; });
  if (!found) return;
  for (auto& [name, attribute] : node.attributes) {
    auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute);
    if (body == nullptr) continue;
    auto copy = std::make_shared<Graph>(**body);
    copy->redirect_captures(from, to);
    *body = std::move(copy);
  }
}

}  // namespace

std::int64_t Graph::opset(std::string_view wanted) const {
  const auto it = opsets.find(wanted);
  return it == opsets.end() ? 0 : it->second;
}

ValueId Graph::find_value(std::string_view wanted) const {
  const auto it = by_name_.find(std::string(wanted));
  return it == by_name_.end() ? kNoValue : it->second;
}

const Tensor* Graph::constant(ValueId id) const {
  return id != kNoValue && value(id).constant ? &*value(id).constant : nullptr;
}

bool Graph::is_input(ValueId id) const {
  return std::find(inputs_.begin(), inputs_.end(), id) != inputs_.end();
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

ValueId Graph::add_value(std::string_view wanted) {
  std::string unique(wanted);
  for (int number = 1; unique.empty() || by_name_.contains(unique); ++number)
    unique = std::string(wanted) + "_" + std::to_string(number);
  const ValueId id = value_count();
  by_name_[unique] = id;
  values_.push_back(Value{.name = unique, .type = {}, .constant = {}});
  return id;
}

ValueId Graph::add_constant(std::string_view wanted, Tensor tensor) {
  const ValueId id = add_value(wanted);
  value(id).constant = std::move(tensor);
  return id;
}

void Graph::rename_value(ValueId id, std::string_view wanted) {
  by_name_.erase(value(id).name);
  Q8_ASSERT(!by_name_.contains(std::string(wanted)));
  value(id).name = wanted;
  by_name_[value(id).name] = id;
}

std::string Graph::unique_node_name(std::string_view wanted) const {
  // Most names are free, and to find that out a look at each costs a hundredth of a set of them.
  if (std::ranges::find(nodes_, wanted, &Node::name) == nodes_.end()) return std::string(wanted);
  std::set<std::string_view> taken;
  for (const Node& node : nodes_) taken.insert(node.name);
  std::string unique(wanted);
  for (int number = 1; taken.contains(unique); ++number)
    unique = std::string(wanted) + "_" + std::to_string(number);
  return unique;
}

NodeId Graph::add_node(Node node) {
  if (node.name.empty()) node.name = node.op_type;
  node.name = unique_node_name(node.name);
  return append_node(std::move(node));
}

NodeId Graph::append_node(Node node) {
  nodes_.push_back(std::move(node));
  return node_count() - 1;
}

void Graph::remove_node(NodeId id) {
  Node& shell = node(id);
  shell.op_type.clear();
  shell.inputs.clear();
  shell.outputs.clear();
  shell.attributes = {};
}

void Graph::redirect_captures(ValueId from, ValueId to) {
  for (Capture& capture : captures_)
    if (capture.outer == from) capture.outer = to;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  for (Node& node : nodes_) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, to);
    q8::redirect_captures(node, from, to);
  }
}

bool Graph::bypass(ValueId from, ValueId to) {
  if (!is_output(to)) {
    replace_uses(to, from);
    return true;
  }
  if (is_output(from) || is_input(from) || constant(from) != nullptr) return false;
  if (Uses(*this).producer(from) == kNoNode) return false;  // a captured value
  for (Node& node : nodes_) {
    if (std::find(node.outputs.begin(), node.outputs.end(), to) != node.outputs.end())
      std::replace(node.outputs.begin(), node.outputs.end(), to, kNoValue);
    else
      std::replace(node.outputs.begin(), node.outputs.end(), from, to);
  }
  replace_uses(from, to);
  return true;
}

// Of the nodes that wait for a value in vain, one that waits for itself: every such node reads from
// another one, so that walking backwards ends in a circle.
NodeId Graph::node_on_cycle(const Uses& uses, const std::vector<int>& waiting) const {
  const auto waits = [&](NodeId id) {
    return id != kNoNode && waiting[static_cast<std::size_t>(id)] > 0;
  };
  NodeId at = 0;
  while (!waits(at)) ++at;
  std::vector<bool> seen(nodes_.size(), false);
  while (!seen[static_cast<std::size_t>(at)]) {
    seen[static_cast<std::size_t>(at)] = true;
    NodeId before = kNoNode;
    for_each_read(node(at), [&](ValueId read) {
      if (waits(uses.producer(read))) before = uses.producer(read);
    });
    Q8_ASSERT(before != kNoNode);
    at = before;
  }
  return at;
}

void Graph::tidy(const std::vector<ValueId>& also_needed) {
  // Backwards from the outputs: which nodes are needed.
  const Uses uses(*this);
  std::vector<bool> needed(nodes_.size(), false);
  std::vector<ValueId> open(outputs_.begin(), outputs_.end());
  open.insert(open.end(), also_needed.begin(), also_needed.end());
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    const NodeId producer = uses.producer(id);
    if (producer == kNoNode || needed[static_cast<std::size_t>(producer)]) continue;
    needed[static_cast<std::size_t>(producer)] = true;
    for_each_read(node(producer), [&](ValueId read) { open.push_back(read); });
  }
  // Kahn's algorithm; the smallest ready index first keeps the given order.
  std::vector<int> waiting(nodes_.size(), 0);
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;
  std::size_t needed_count = 0;
  for (NodeId id = 0; id < node_count(); ++id) {
    if (!needed[static_cast<std::size_t>(id)]) continue;
    ++needed_count;
    for_each_read(node(id), [&](ValueId read) {
      waiting[static_cast<std::size_t>(id)] += uses.producer(read) != kNoNode;
    });
    if (waiting[static_cast<std::size_t>(id)] == 0) ready.push(id);
  }
  std::vector<Node> sorted;
  sorted.reserve(needed_count);
  while (!ready.empty()) {
    const NodeId id = ready.top();
    ready.pop();
    for (const ValueId output : node(id).outputs) {
      if (output == kNoValue) continue;
      for (const NodeId consumer : uses.consumers(output))
        if (needed[static_cast<std::size_t>(consumer)] &&
            --waiting[static_cast<std::size_t>(consumer)] == 0)
          ready.push(consumer);
    }
    sorted.push_back(std::move(node(id)));
  }
  if (sorted.size() != needed_count)
    throw bad_input("the graph has a cycle through " + node(node_on_cycle(uses, waiting)).label());
  nodes_ = std::move(sorted);
  if (captures_.empty()) return;
  const Uses left(*this);
  std::erase_if(captures_, [&](const Capture& capture) {
    const bool is_made_here =
        constant(capture.inner) != nullptr || left.producer(capture.inner) != kNoNode;
    return is_made_here || (left.consumers(capture.inner).empty() && !is_output(capture.inner));
  });
}

Uses::Uses(const Graph& graph)
    : producers_(graph.values().size(), kNoNode),
      consumers_(graph.values().size()),
      is_output_(graph.values().size(), false) {
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    for (const ValueId output : graph.node(id).outputs)
      if (output != kNoValue) producers_[static_cast<std::size_t>(output)] = id;
    for_each_read(graph.node(id),
                  [&](ValueId read) { consumers_[static_cast<std::size_t>(read)].push_back(id); });
  }
  for (const ValueId output : graph.outputs()) is_output_[static_cast<std::size_t>(output)] = true;
}

NodeId Uses::only_consumer(ValueId id) const {
  const auto& readers = consumers(id);
  return readers.size() == 1 && !is_output_[static_cast<std::size_t>(id)] ? readers[0] : kNoNode;
}

namespace {

void check_inputs(const Node& node, const Graph& graph) {
  if (!node.domain.empty()) return;
  const std::size_t required = required_inputs(node.op_type, graph.opset());
  for (std::size_t i = 0; i < required; ++i)
    if (node.input(i) == kNoValue)
      throw bad_input(node.label() + " has no input " + std::to_string(i) + "; it needs " +
                      std::to_string(required));
}

}  // namespace

void verify(const Graph& graph) {
  std::vector<std::string> maker(graph.values().size());
  const auto made = [&](ValueId id, const std::string& by) {
    std::string& first = maker[static_cast<std::size_t>(id)];
    if (!first.empty())
      throw bad_input("the value '" + graph.value(id).name + "' is made twice: by " + first +
                      " and by " + by);
    first = by;
  };
  for (const ValueId id : graph.inputs()) made(id, "the graph's inputs");
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (graph.value(id).constant && !graph.is_input(id)) made(id, "an initializer");
  for (const Capture& capture : graph.captures()) made(capture.inner, "the enclosing graph");
  for (const Node& node : graph.nodes()) {
    check_inputs(node, graph);
    if (node.outputs.empty()) throw bad_input(node.label() + " has no output");
    for (const ValueId id : node.outputs)
      if (id != kNoValue) made(id, node.label());
  }
  for (const Node& node : graph.nodes())
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i] != kNoValue && maker[static_cast<std::size_t>(node.inputs[i])].empty())
        throw bad_input(node.label() + " reads '" + graph.value(node.inputs[i]).name +
                        "', which nothing makes");
  for (const Node& node : graph.nodes()) for_each_body(node, verify);
  for (const ValueId id : graph.outputs())
    if (maker[static_cast<std::size_t>(id)].empty())
      throw bad_input("nothing makes the graph's output '" + graph.value(id).name + "'");
}

}  // namespace q8
