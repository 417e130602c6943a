#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"

// The dot product instruction multiplies s8 by s8. XOR 0x80 makes a u8 the s8 that is 128 less, so
// each column's sum lacks 128 · Σ b, which one more dot product for all rows gathers.

namespace q8 {
namespace {

constexpr int kNr = 16, kVectors = 4;

struct Sums {
  int32x4_t v[kVectors];
};

// Row i: any kind of output.
void store_row(const TileU8S8& t, int i, Sums sums) {
  if (t.row_sum != nullptr)
    for (int v = 0; v < kVectors; ++v)
      sums.v[v] = vmlsq_n_s32(sums.v[v], vld1q_s32(t.b_zero_point + 4 * v), t.row_sum[i]);
  std::int32_t out[kNr];
  for (int v = 0; v < kVectors; ++v) vst1q_s32(out + 4 * v, sums.v[v]);
  const std::int64_t at = i * t.out_stride;
  if (t.kind == OutputKind::kS32) {
    __builtin_memcpy(static_cast<std::int32_t*>(t.out) + at, out,
                     static_cast<std::size_t>(t.columns) * 4);
    return;
  }
  float y[kNr];
  for (int v = 0; v < kVectors; ++v) {
    float32x4_t f = vmulq_f32(vcvtq_f32_s32(sums.v[v]), vld1q_f32(t.scale + 4 * v));
    if (t.kind == OutputKind::kF32) f = vaddq_f32(f, vld1q_f32(t.offset + 4 * v));
    // Selected, not max and min: these do not keep −0 where the bound is 0, as std::clamp does.
    const float32x4_t low = vdupq_n_f32(t.low), high = vdupq_n_f32(t.high);
    f = vbslq_f32(vcltq_f32(f, low), low, f);
    f = vbslq_f32(vcltq_f32(high, f), high, f);
    vst1q_f32(y + 4 * v, f);
    if (t.kind == OutputKind::kByte)
      vst1q_s32(out + 4 * v, vaddq_s32(vcvtnq_s32_f32(f), vdupq_n_s32(t.zero_point)));
  }
  if (t.kind == OutputKind::kF32) {
    __builtin_memcpy(static_cast<float*>(t.out) + at, y, static_cast<std::size_t>(t.columns) * 4);
    return;
  }
  for (int j = 0; j < t.columns; ++j)
    static_cast<std::uint8_t*>(t.out)[at + j] = static_cast<std::uint8_t>(out[j]);
}

template <int kRows>
void tile(const TileU8S8& t) {
  Sums sum[kRows], lacking;
  for (int v = 0; v < kVectors; ++v) {
    lacking.v[v] = vdupq_n_s32(0);
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) sum[i].v[v] = vld1q_s32(t.bias + 4 * v);
  }
  const std::int8_t* b = t.b;
  const int8x16_t flip = vdupq_n_s8(-128);
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const std::uint8_t* const* rows = t.a + tap * kRows;
    for (std::int64_t k = 0; k < 4 * t.k4; k += 4, b += 4 * kNr) {
      int8x16_t panel[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        panel[v] = vld1q_s8(b + 16 * v);
        lacking.v[v] = vdotq_s32(lacking.v[v], panel[v], flip);  // −128 · Σ b
      }
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        std::int32_t four;
        __builtin_memcpy(&four, rows[i] + k, 4);
        const int8x16_t a = veorq_s8(vreinterpretq_s8_s32(vdupq_n_s32(four)), flip);
        for (int v = 0; v < kVectors; ++v) sum[i].v[v] = vdotq_s32(sum[i].v[v], a, panel[v]);
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) sum[i].v[v] = vsubq_s32(sum[i].v[v], lacking.v[v]);
    store_row(t, i, sum[i]);
  }
}

constexpr TileU8S8Function kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>};

}  // namespace

void tile_u8s8_neondot(const TileU8S8& t) {
  kTiles[t.rows - 1](t);
}

}  // namespace q8
