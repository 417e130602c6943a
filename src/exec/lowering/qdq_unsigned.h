#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Kernels multiply u8 activations; s8 would have to be turned into u8 before each of them. So s8
// values between a QuantizeLinear and the DequantizeLinear nodes that read it become u8 with zero
// points raised by 128: the same reals. Values in `keep`, graph outputs and what other nodes read
// stay as they are.
void make_unsigned(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
