#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// One node on its way to the opset that changed its operator.
struct Step {
  Graph& graph;
  NodeId id;
  Node& node() const { return graph.node(id); }
  Attributes& attributes() const { return graph.node(id).attributes; }

  // Puts a constant at an input position; positions in between stay left out.
  void set_input(std::size_t position, Tensor tensor) const {
    const ValueId constant =
        graph.add_constant(node().name + "_input_" + std::to_string(position), std::move(tensor));
    auto& inputs = node().inputs;
    inputs.resize(std::max(inputs.size(), position + 1), kNoValue);
    inputs[position] = constant;
  }
};

[[noreturn]] inline void refuse(const Step& step, const std::string& why) {
  throw unsupported(step.node().label() + " cannot be converted to a newer opset: " + why);
}

// An integer list that became an input.
inline void move_ints(const Step& step, std::string_view attribute, std::size_t position) {
  if (!step.attributes().has(attribute)) return;
  const auto values = step.attributes().get_ints(attribute);
  step.attributes().erase(attribute);
  step.set_input(position, Tensor::of_int64(values));
}

struct Conversion {
  std::string_view op_type;
  std::int64_t since;  // the opset that changed the operator
  void (*convert)(const Step& step);
};

// Opsets 14 to 21 (opset_14_to_21.cpp); the older ones are in opset.cpp.
std::span<const Conversion> newer_conversions();

}  // namespace q8
