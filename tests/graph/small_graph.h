#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// Builds graphs by names; a value is made when its name is first used, "" is an input left out.
class SmallGraph {
 public:
  SmallGraph() { graph.opsets[""] = 17; }

  ValueId value(std::string_view name) {
    if (name.empty()) return kNoValue;
    const ValueId known = graph.find_value(name);
    return known != kNoValue ? known : graph.add_value(name);
  }
  void input(std::string_view name) { graph.add_input(value(name)); }
  void output(std::string_view name) { graph.add_output(value(name)); }
  void constant(std::string_view name, Tensor tensor) {
    graph.value(value(name)).constant = std::move(tensor);
  }
  Node& node(std::string_view type, const std::vector<std::string>& inputs,
             const std::vector<std::string>& outputs) {
    Node made;
    made.name = std::string(type);
    made.op_type = std::string(type);
    for (const auto& name : inputs) made.inputs.push_back(value(name));
    for (const auto& name : outputs) made.outputs.push_back(value(name));
    return graph.node(graph.add_node(std::move(made)));
  }
  // The types of the nodes, in order.
  std::string types() const {
    std::string text;
    for (const Node& n : graph.nodes()) text += (text.empty() ? "" : " ") + n.op_type;
    return text;
  }
  const Node& only(std::string_view type) const {
    const Node* found = nullptr;
    for (const Node& n : graph.nodes())
      if (n.op_type == type) found = &n;
    Q8_ASSERT(found != nullptr);
    return *found;
  }
  std::vector<float> floats(ValueId id) const { return graph.constant(id)->to_floats(); }
  const std::string& name_of(ValueId id) const { return graph.value(id).name; }

  Graph graph;
};

}  // namespace q8
