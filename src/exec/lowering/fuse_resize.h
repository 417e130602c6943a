#pragma once

#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// A Resize that computes (linear, cubic), with the DequantizeLinear in front of it and the
// QuantizeLinear behind it, or one of them, becomes one "q8" ResizeOfBytes, where all is per tensor
// and nobody else reads or wants to see what is between (`keep`: ids of the original graph). The
// results have the same bits. Returns how many nodes went.
int fuse_resize(LoweredGraph& lowered, const std::vector<ValueId>& keep);

}  // namespace q8
