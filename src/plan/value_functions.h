#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Nodes, alone or in groups, that make every element of their result of one element of one value
// and of numbers: Sigmoid; x · Sigmoid(x); the nodes of a GELU. Of a quantized value such a
// function has 256 results, so that its result can be quantized as that of one operator, and
// nothing inside it needs to be.
class ValueFunctions {
 public:
  explicit ValueFunctions(const Graph& graph);

  // The value, made by some other node, that the result of `id` is a function of, where `id` ends
  // one; kNoValue for all others. A sum or product with a number, alone, and a clamp right behind
  // what computes are none: they have forms of their own.
  ValueId argument(NodeId id) const { return arguments_[static_cast<std::size_t>(id)]; }
  // Whether only nodes of its own function read the node's result.
  bool is_inside(NodeId id) const { return inside_[static_cast<std::size_t>(id)]; }

 private:
  std::vector<ValueId> arguments_;  // by NodeId
  std::vector<bool> inside_;        // by NodeId
};

}  // namespace q8
