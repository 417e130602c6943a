#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Lets an integer product with a float result ("q8" MatMulFromBytes) add the constant a column that
// is added behind it, also through a Max of one value, which quantizers put there to keep other
// runtimes from joining the two. Only where nobody else reads the values between and none of them
// is in `keep`. The same bits. Returns how many sums it took in.
int fuse_product_bias(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
