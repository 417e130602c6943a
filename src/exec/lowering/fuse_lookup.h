#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Lets an integer convolution look its results up in the table behind it (an activation between
// bytes), where nobody else reads the value between and it is not in `keep`. The same bits, without
// a pass over memory. Returns how many tables it took in.
int fuse_lookup(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
