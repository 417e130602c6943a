#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace q8 {

// Depthwise convolution of some output pixels. Every output is one chain of fused multiply-adds
// over the taps in order, from 0; then + bias, + residual, max(lo, ·), min(hi, ·) (NaN stays NaN).
struct DepthwiseTileF32 {
  const float* const* rows;  // [taps][leading]: the channels that pixel i reads at a tap
  std::int64_t leading;
  std::int64_t pixels, taps, channels;
  const float* weights;   // [taps][channels]
  const float* bias;      // [channels]
  const float* residual;  // as out, or null
  float* out;             // [pixels][channels], dense
  float lo, hi;
};

struct DepthwiseF32Row {
  const char* name;
  Isa isa;
  void (*tile)(const DepthwiseTileF32&);
};

std::span<const DepthwiseF32Row> depthwise_f32_rows();  // best first, the last is scalar

void depthwise_f32_tile_scalar(const DepthwiseTileF32&);
void depthwise_f32_tile_avx2(const DepthwiseTileF32&);
void depthwise_f32_tile_avx512(const DepthwiseTileF32&);

}  // namespace q8
