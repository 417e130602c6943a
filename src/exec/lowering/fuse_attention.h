#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Softmax(MatMul(Q, K) [· or ÷ a number] [+ mask]) · V of floats becomes one node, which goes head
// by head; Transposes that alone make Q, K or V, or alone read the result, are taken in where that
// leaves rows whole. Not where somebody else reads what is between or it is in `keep`. The results
// have the same bits. Returns how many nodes went.
int fuse_attention(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
