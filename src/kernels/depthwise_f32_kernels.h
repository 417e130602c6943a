#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// Depthwise convolution of some output pixels. Every output is one chain of fused multiply-adds
// over the taps in order, from 0; then + bias, + residual, max(lo, ·), min(hi, ·) (NaN stays NaN).
struct DepthwiseTileF32 {
  const float* const* rows;  // [taps][leading]: the channels that pixel i reads at a tap
  std::int64_t leading;
  std::int64_t pixels, taps;
  std::int64_t offset, channels;  // those computed: [offset, offset + channels)
  std::int64_t pixel_stride;      // channels of a pixel
  const float* weights;           // [taps][pixel_stride]
  const float* bias;              // [pixel_stride]
  const float* residual;          // as out, or null
  float* out;                     // [pixels][pixel_stride]
  float lo, hi;
};

// The same for neighbouring pixels of one output line whose taps all lie inside the input in the
// direction of the line: output i reads the pixel i · stride + x · dilation
// behind rows[r] at tap (r, x).
struct DepthwiseLineF32 {
  const float* const* rows;  // [kernel_rows]
  std::int64_t kernel_rows, kernel_width;
  std::int64_t stride, dilation;  // along the line, in pixels
  std::int64_t pixels;
  std::int64_t offset, channels;  // those computed: [offset, offset + channels)
  std::int64_t pixel_stride;      // channels of a pixel
  const float* weights;           // [kernel_rows][kernel_width][pixel_stride]
  const float* bias;              // [pixel_stride]
  const float* residual;          // as out, or null
  float* out;                     // [pixels][pixel_stride]
  float lo, hi;
};

void depthwise_f32_tile_scalar(const DepthwiseTileF32&);
void depthwise_f32_tile_avx2(const DepthwiseTileF32&);
void depthwise_f32_tile_avx512(const DepthwiseTileF32&);
void depthwise_f32_line_scalar(const DepthwiseLineF32&);
void depthwise_f32_line_avx2(const DepthwiseLineF32&);
void depthwise_f32_line_avx512(const DepthwiseLineF32&);

}  // namespace q8
