#pragma once

#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// Lets a ScaleShift (a BatchNormalization on channels-last data) do the Relu or Clip behind it,
// where nobody else reads the value between and it is not in `keep` (ids of the original graph).
// The results have the same bits. Returns how many nodes went.
int fuse_scale_shift(LoweredGraph& lowered, const std::vector<ValueId>& keep);

}  // namespace q8
