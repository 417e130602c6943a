#pragma once

#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// Makes a product with a float result, a Gelu behind it and a QuantizeLinear one "q8"
// MatMulThroughFloats; and a Softmax, a LayerNormalization or a Gelu along the last axis and a
// QuantizeLinear behind it one "q8" SoftmaxToBytes and so on, with the Add in front of it and the
// multiplication by a number in front of that (a transformer's scores and mask, or its residual).
// Values that others read too are made beside the bytes; none that somebody wants to see is lost
// (`keep`: ids of the original graph). The results have the same bits. Returns how many nodes went.
int fuse_rows_to_bytes(LoweredGraph& lowered, const std::vector<ValueId>& keep);

}  // namespace q8
