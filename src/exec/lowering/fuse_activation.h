#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Activations in several nodes (activation_patterns.h) become one. The kernels round differently
// from the nodes one by one, within their 2 ulp. Returns how many nodes went.
int fuse_activation(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
