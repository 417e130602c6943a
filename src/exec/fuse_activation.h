#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Activations that exporters write as several nodes become one: x · Sigmoid(x) is Swish;
// x · (Erf(x / √2) + 1) · 0.5, in any order of its factors, is Gelu; x · Clip(x + 3, 0, 6) / 6, or
// with a HardSigmoid of that slope, is HardSwish. Where somebody else reads a value between, or it
// is in `keep`, the nodes stay. The kernels round differently from the nodes
// one by one, within their 2 ulp. Returns how many nodes went.
int fuse_activation(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
