#pragma once

#include <string>

#include "graph/graph.h"

namespace q8 {

// SHA-256 of everything that a graph computes with: inputs and outputs with their types, nodes in
// order with their attributes and names, and constants that something reads. Comments, types of
// inner values and the order of initializers in a file play no part, so that a graph has the same
// digest before it is saved and after it was loaded.
std::string graph_digest(const Graph& graph);

// The same of one node, without what its inputs hold.
std::string node_digest(const Graph& graph, const Node& node);

// The same of a constant: type, shape and elements.
std::string tensor_digest(const Tensor& tensor);

}  // namespace q8
