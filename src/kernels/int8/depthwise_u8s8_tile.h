#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"

namespace q8 {

// Enough pixels to pay for arranging the weights of 64 channels, few enough that the input rows of
// a run stay in the first-level cache while the channels go by. Also the distance between the
// pointers of neighbouring taps.
constexpr std::int64_t kDepthwiseRun = 64;

// A run of at most kDepthwiseRun output pixels of a depthwise convolution (one filter per channel),
// all channels:
//   sum[i][c] = bias[c] + Σ_tap rows[tap · kDepthwiseRun + i][c] · weights[tap · weight_stride + c]
// in s32 that wraps around, then as OutputKind says. Arrays per channel are readable up to a
// multiple of 64 channels; rows are not.
struct DepthwiseU8S8Tile {
  const std::uint8_t* const* rows;  // [taps][kDepthwiseRun]; behind the last pixel: any readable
  // rows, up to a multiple of four pixels
  std::int64_t taps, pixels, channels;
  const std::int8_t* weights;  // 64-byte aligned, weight_stride a multiple of 64
  std::int64_t weight_stride;
  const std::int32_t* bias;
  const float* scale;   // unread for kS32
  const float* offset;  // read for kF32
  float low, high;      // kByte: relative to zero_point
  std::int32_t zero_point;
  OutputKind kind;
  void* out;
  std::int64_t out_stride;  // elements from pixel to pixel
  std::int8_t* scratch;     // 64-byte aligned, depthwise_scratch_bytes(taps)
};

using DepthwiseU8S8Function = void (*)(const DepthwiseU8S8Tile& tile);

void depthwise_u8s8_scalar(const DepthwiseU8S8Tile& tile);
void depthwise_u8s8_avx2(const DepthwiseU8S8Tile& tile);
void depthwise_u8s8_avx512vnni(const DepthwiseU8S8Tile& tile);

}  // namespace q8
