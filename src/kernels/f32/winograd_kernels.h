#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// Winograd's F(2×2, 3×3): 2×2 outputs Y of a 3×3 convolution of stride 1 come from the 4×4 inputs d
// by 16 products a channel where the definition has 36:
//   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//        1  0 -1  0           1   0   0
//   Bᵀ = 0  1  1  0     G =  1/2 1/2 1/2     Aᵀ = 1  1  1  0
//        0 -1  1  0          1/2-1/2 1/2          0  1 -1 -1
//        0  1  0 -1           0   0   1
// Element (u, v) of a 4×4 matrix is plane 4u + v. Columns are transformed first, then rows, each
// sum from left to right: with that every row of the table gives the same bits.
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, arXiv
// 1509.09308.
constexpr std::int64_t kWinogradPlanes = 16;

// G g Gᵀ of some input channels.
struct WinogradWeightsF32 {
  const float* taps;  // [channels][9][columns]
  std::int64_t channels, columns;
  float* out;  // [16][channels][columns], planes apart as this says
  std::int64_t plane_stride;
};

// Bᵀ d B of some tiles.
struct WinogradInputF32 {
  const float* const* pixels;  // [tiles][16]: where each input of a tile has its channels
  std::int64_t tiles, channels;
  float* out;  // [16][tiles][channels], planes and tiles apart as these say
  std::int64_t plane_stride, tile_stride;
};

// Aᵀ m A of some tiles, + bias, + residual, max(lo, ·), min(hi, ·) (NaN stays NaN).
struct WinogradOutputF32 {
  const float* sums;  // [16][tiles][columns], planes and tiles apart as these say
  std::int64_t plane_stride, tile_stride;
  std::int64_t tiles, columns;
  const std::int64_t* at;  // [tiles][4]: where each output pixel is in out; negative: nowhere
  const float* bias;       // [columns]
  const float* residual;   // as out, or null
  float* out;
  float lo, hi;
};

void winograd_f32_weights_scalar(const WinogradWeightsF32&);
void winograd_f32_weights_avx2(const WinogradWeightsF32&);
void winograd_f32_weights_avx512(const WinogradWeightsF32&);

void winograd_f32_input_scalar(const WinogradInputF32&);
void winograd_f32_input_avx2(const WinogradInputF32&);
void winograd_f32_input_avx512(const WinogradInputF32&);

void winograd_f32_output_scalar(const WinogradOutputF32&);
void winograd_f32_output_avx2(const WinogradOutputF32&);
void winograd_f32_output_avx512(const WinogradOutputF32&);

}  // namespace q8
