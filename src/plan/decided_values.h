#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// A detector that ends in NonMaxSuppression lists the boxes that it kept: one score that moves by a
// step changes their number and their order, so the results of two models cannot be compared
// element by element, and their shapes may differ.
//
// By ValueId: what NonMaxSuppression, NonZero, Compress and Unique make of values that integer
// nodes could compute, and everything made of it. What follows from shapes alone is not decided.
std::vector<bool> decided_values(const Graph& graph);

struct NodeInput {
  std::string node;  // its name, which quantization keeps
  std::size_t input;
};
// Where the values are read of which decided ones are made: they can be compared instead. Each
// value once, and none that comes from shapes and constants alone or is an output of the graph
// itself.
std::vector<NodeInput> deciding_inputs(const Graph& graph);

}  // namespace q8
