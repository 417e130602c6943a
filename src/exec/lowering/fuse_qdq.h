#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Turns groups of DequantizeLinear, operator (and Relu or Clip) and QuantizeLinear into integer
// operators, in place, as runtimes do; operators that only move values work on the integers
// themselves. Groups whose inner values are in `keep` stay as they are. Returns how many nodes
// became integer operators.
int fuse_qdq(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
