#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// A detector that ends in NonMaxSuppression lists the boxes that it kept, and a speech synthesizer
// computes how long each sound lasts: one number that moves by a step changes how many there are
// and in which order, so the results of two models cannot be compared element by element, and their
// shapes may differ.
//
// By ValueId: what nodes make whose result's shape follows from values that integer nodes could
// compute (NonMaxSuppression, NonZero, Range …), and everything made of it. What follows from
// shapes alone is not decided.
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
