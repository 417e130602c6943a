#pragma once

#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// Makes a Conv and the depthwise Conv that alone reads it, both with channels last, one "q8"
// ConvPair, where the kernel can (ConvPairF32::can) and nobody wants to see the value between
// (`keep`: ids of the original graph). The results have the same bits. Returns how many nodes went.
int fuse_conv_pair(LoweredGraph& lowered, const std::vector<ValueId>& keep);

}  // namespace q8
