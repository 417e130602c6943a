#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/conv_geometry.h"
#include "kernels/f32/depthwise_rows.h"
#include "kernels/f32/elementwise_kernels.h"

namespace q8 {

// [channels][taps], as ONNX holds them, to [taps][channels].
AlignedBuffer<float> pack_depthwise_f32(const ConvGeometry& geometry, const float* weights);

// A convolution with as many groups as channels in and out, on NHWC. What it computes may be some
// of the channels of larger weights and outputs.
struct DepthwiseF32 {
  ConvGeometry geometry = {};
  const float* weights = nullptr;  // [taps][channels], rows weight_stride apart
  std::int64_t weight_stride = 0;
  const float* bias = nullptr;      // [channels]
  const float* in = nullptr;        // dense
  const float* residual = nullptr;  // as out, or null
  float* out = nullptr;             // pixels out_stride apart
  std::int64_t out_stride = 0;
  float lo = 0, hi = 0;
  UnaryCallF32 then = {};  // after the clamp
};
void run_depthwise_f32(const DepthwiseF32Row& row, const DepthwiseF32& conv, Threads& threads);

}  // namespace q8
