#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// What sums, products and tables of integers make of the same bytes is one table of those bytes:
// x · Sigmoid(x), with the Sigmoid quantized as runtimes want it, costs one lookup. The same bits
// as one by one. Values in `keep` are still made. Returns how many operators became tables of
// something further back.
int fold_tables(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
