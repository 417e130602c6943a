#pragma once

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/depthwise_f32_rows.h"
#include "kernels/elementwise_f32_kernels.h"

namespace q8 {

// A convolution with as many groups as channels in and out, on NHWC.
struct DepthwiseF32 {
  ConvGeometry geometry = {};
  const float* weights = nullptr;  // [taps][channels]
  const float* bias = nullptr;     // [channels]
  const float* in = nullptr;
  const float* residual = nullptr;  // as out, or null
  float* out = nullptr;
  float lo = 0, hi = 0;
  UnaryCallF32 then = {};  // after the clamp
};
void run_depthwise_f32(const DepthwiseF32Row& row, const DepthwiseF32& conv, Threads& threads);

}  // namespace q8
