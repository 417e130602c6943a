#pragma once

#include "graph/canonicalize.h"

namespace q8 {

// Runs a node that reads only constants, with the scalar kernels (so that a folded model does not
// depend on the CPU). Returns nothing where the node cannot be run; it then stays in the graph.
std::vector<Tensor> evaluate_constant_node(const Graph& graph, const Node& node);

// canonicalize() with that evaluator.
void canonicalize(Graph& graph);

}  // namespace q8
