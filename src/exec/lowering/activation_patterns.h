#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// An activation that exporters write as several nodes.
struct ActivationPattern {
  enum class Kind {
    kSwish,      // x · Sigmoid(x)
    kGelu,       // x · (Erf(x / √2) + 1) · 0.5, in any order of its factors
    kGeluTanh,   // x · (Tanh(√(2/π) · (x + 0.044715 x³)) + 1) · 0.5, likewise
    kHardSwish,  // x · Clip(x + 3, 0, 6) / 6, or with a HardSigmoid of that slope
  };
  Kind kind;
  ValueId x;
  NodeId last;                // makes the result
  std::vector<NodeId> inner;  // the other nodes, in no particular order
};

// Those of the graph, no two with a node in common. Where somebody else reads a value between, or
// it is in `keep`, there is none.
std::vector<ActivationPattern> find_activation_patterns(const Graph& graph,
                                                        const std::vector<ValueId>& keep);

}  // namespace q8
