#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Lets a Conv or MatMul with constant weights do the Add of a bias, the Add of a residual and the
// Relu, Clip or other activation behind it, in place, where nobody else reads the values between
// and none is in `keep`. The results have the same bits. Returns how many nodes went.
int fuse_float(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
