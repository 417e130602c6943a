#pragma once

#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// Makes a depthwise QLinearConv between constants, the pointwise one or the stem whose result it
// alone reads, and the pointwise one that alone reads its own, one "q8" QLinearConvChain: all with
// channels last and in two dimensions, and only where nobody wants to see a value between (`keep`:
// ids of the original graph). The results have the same bits. Returns how many nodes went.
int fuse_conv_chain(LoweredGraph& lowered, const std::vector<ValueId>& keep);

}  // namespace q8
