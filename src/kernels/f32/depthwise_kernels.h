#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// Depthwise convolution of one output line: output i reads pixel i · stride + x · dilation − pad
// of the line rows[r] at tap (r, x). Every output is one chain of fused multiply-adds over its taps
// inside the image in order, from 0; then + bias, + residual, max(lo, ·), min(hi, ·) (NaN stays
// NaN).
struct DepthwiseLineF32 {
  const float* const* rows;  // [kernel_rows]: their first pixels; null: outside the image
  std::int64_t kernel_rows, kernel_width;
  std::int64_t stride, dilation, pad;  // along the line, in pixels
  std::int64_t in_pixels, pixels;      // of an input line, and of the output
  std::int64_t offset, channels;       // those computed: [offset, offset + channels)
  std::int64_t in_stride;              // between pixels
  std::int64_t weight_stride, out_stride;
  const float* weights;   // [kernel_rows][kernel_width], weight_stride apart
  const float* bias;      // by channel
  const float* residual;  // as out, or null
  float* out;             // [pixels], out_stride apart
  float lo, hi;
};

void depthwise_f32_line_scalar(const DepthwiseLineF32&);
void depthwise_f32_line_avx2(const DepthwiseLineF32&);
void depthwise_f32_line_avx512(const DepthwiseLineF32&);

}  // namespace q8
