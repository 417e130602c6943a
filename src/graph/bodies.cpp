#include "graph/bodies.h"

#include <algorithm>
#include <map>
#include <set>

namespace q8 {
namespace {

using Body = std::shared_ptr<const Graph>;

void append_bodies(const Graph& graph, std::vector<PlacedGraph>& list) {
  for (const Node& node : graph.nodes())
    for (const auto& [name, attribute] : node.attributes)
      if (const Body* body = std::get_if<Body>(&attribute)) {
        list.push_back({.graph = body->get(), .place = name + " of " + node.label()});
        append_bodies(**body, list);
      }
}

struct TakenNames {
  std::set<std::string> nodes, values;
};

std::string free_name(const std::string& wanted, const std::set<std::string>& taken,
                      const Graph& graph) {
  std::string name = wanted;
  for (int number = 1; taken.contains(name) || graph.find_value(name) != kNoValue; ++number)
    name = wanted + "_" + std::to_string(number);
  return name;
}

// One way in for each value of the enclosing graph.
void join_captures(Graph& body) {
  std::map<ValueId, ValueId> first;  // by outer
  for (const Capture& capture : std::vector(body.captures())) {
    const auto [known, is_new] = first.try_emplace(capture.outer, capture.inner);
    if (is_new) continue;
    body.replace_uses(capture.inner, known->second);
    if (body.is_output(capture.inner))
      body.add_node({.name = "",
                     .domain = "",
                     .op_type = "Identity",
                     .inputs = {known->second},
                     .outputs = {capture.inner},
                     .attributes = {},
                     .doc = ""});
  }
  body.tidy();
}

void name_captures(const Graph& outer, Graph& body, const TakenNames& taken) {
  for (const Capture& capture : body.captures()) {
    const std::string& name = outer.value(capture.outer).name;
    const ValueId holder = body.find_value(name);
    if (holder == capture.inner) continue;
    if (holder != kNoValue) body.rename_value(holder, free_name(name, taken.values, body));
    body.rename_value(capture.inner, name);
  }
}

void separate_bodies(Graph& graph, TakenNames& taken);

void separate_body(const Graph& outer, Graph& body, TakenNames& taken) {
  join_captures(body);
  std::vector<bool> is_captured(body.values().size(), false);
  for (const Capture& capture : body.captures())
    is_captured[static_cast<std::size_t>(capture.inner)] = true;
  for (ValueId id = 0; id < body.value_count(); ++id) {
    if (is_captured[static_cast<std::size_t>(id)]) continue;
    const std::string& name = body.value(id).name;
    if (taken.values.contains(name)) body.rename_value(id, free_name(name, taken.values, body));
    taken.values.insert(body.value(id).name);
  }
  name_captures(outer, body, taken);
  for (NodeId id = 0; id < body.node_count(); ++id) {
    std::string& name = body.node(id).name;
    const std::string wanted = name;
    for (int number = 1; !taken.nodes.insert(name).second; ++number)
      name = wanted + "_" + std::to_string(number);
  }
  separate_bodies(body, taken);
}

void separate_bodies(Graph& graph, TakenNames& taken) {
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [&](Graph& body) { separate_body(graph, body, taken); });
}

}  // namespace

bool has_body(const Node& node) {
  return std::ranges::any_of(node.attributes, [](const auto& attribute) {
    return std::holds_alternative<Body>(attribute.second);
  });
}

void for_each_body(const Node& node, const std::function<void(const Graph&)>& function) {
  for (const auto& [name, attribute] : node.attributes)
    if (const Body* body = std::get_if<Body>(&attribute)) function(**body);
}

void edit_bodies(Node& node, const std::function<void(Graph&)>& edit) {
  for (auto& [name, attribute] : node.attributes)
    if (Body* body = std::get_if<Body>(&attribute)) {
      auto copy = std::make_shared<Graph>(**body);
      edit(*copy);
      *body = std::move(copy);
    }
}

std::vector<PlacedGraph> with_bodies(const Graph& graph) {
  std::vector<PlacedGraph> list{{.graph = &graph, .place = ""}};
  append_bodies(graph, list);
  return list;
}

std::vector<std::string> all_node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const PlacedGraph& placed : with_bodies(graph))
    for (const Node& node : placed.graph->nodes()) names.push_back(node.name);
  return names;
}

std::vector<std::string> all_value_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const PlacedGraph& placed : with_bodies(graph))
    for (const Value& value : placed.graph->values()) names.push_back(value.name);
  return names;
}

void take_outer_constants(Graph& graph) {
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [&](Graph& body) {
      for (const Capture& capture : body.captures()) {
        const Tensor* constant = graph.constant(capture.outer);
        if (constant != nullptr && !body.is_output(capture.inner))
          body.value(capture.inner).constant = *constant;
      }
      body.tidy();
      take_outer_constants(body);
    });
}

void separate_names(Graph& graph) {
  TakenNames taken;
  for (const Node& node : graph.nodes()) taken.nodes.insert(node.name);
  const Uses uses(graph);
  // Names of values that nothing has to do with are free.
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (uses.producer(id) != kNoNode || !uses.consumers(id).empty() || graph.is_input(id) ||
        graph.is_output(id))
      taken.values.insert(graph.value(id).name);
  separate_bodies(graph, taken);
}

}  // namespace q8
