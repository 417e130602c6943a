#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/f32/depthwise_kernels.h"

namespace q8 {

// One way to compute depthwise convolutions; all give the same bits.
struct DepthwiseF32Row {
  const char* name;
  Isa isa;
  void (*line)(const DepthwiseLineF32&);
};

std::span<const DepthwiseF32Row> depthwise_f32_rows();  // best first, the last is scalar

}  // namespace q8
