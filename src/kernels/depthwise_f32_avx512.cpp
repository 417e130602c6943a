#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_f32_kernels.h"

namespace q8 {
namespace {

// P pixels share the weights of a tap; V vectors of 16 channels, the last one under `mask`.
template <int P, int V>
void block(const DepthwiseTileF32& t, std::int64_t pixel, std::int64_t c, __mmask16 last_mask) {
  __m512 acc[P][V];
  __mmask16 mask[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) mask[v] = v + 1 == V ? last_mask : __mmask16{0xffff};
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[p][v] = _mm512_setzero_ps();
  const float* const* rows = t.rows + pixel;
  const float* weights = t.weights + c;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, rows += t.leading, weights += t.channels) {
    __m512 w[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) w[v] = _mm512_maskz_loadu_ps(mask[v], weights + v * 16);
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v)
        acc[p][v] =
            _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask[v], rows[p] + c + v * 16), w[v], acc[p][v]);
  }
  const __m512 lo = _mm512_set1_ps(t.lo), hi = _mm512_set1_ps(t.hi);
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const std::int64_t at = (pixel + p) * t.channels + c + v * 16;
      __m512 y = _mm512_add_ps(acc[p][v], _mm512_maskz_loadu_ps(mask[v], t.bias + c + v * 16));
      if (t.residual != nullptr)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask[v], t.residual + at));
      // Both keep the second operand where the comparison fails: NaN passes through.
      _mm512_mask_storeu_ps(t.out + at, mask[v], _mm512_min_ps(hi, _mm512_max_ps(lo, y)));
    }
}

template <int V>
void columns(const DepthwiseTileF32& t, std::int64_t c, __mmask16 last_mask) {
  std::int64_t pixel = 0;
  for (; pixel + 4 <= t.pixels; pixel += 4) block<4, V>(t, pixel, c, last_mask);
  for (; pixel < t.pixels; ++pixel) block<1, V>(t, pixel, c, last_mask);
}

}  // namespace

void depthwise_f32_tile_avx512(const DepthwiseTileF32& t) {
  constexpr __mmask16 kAll = 0xffff;
  std::int64_t c = 0;
  for (; c + 64 <= t.channels; c += 64) columns<4>(t, c, kAll);
  for (; c + 32 <= t.channels; c += 32) columns<2>(t, c, kAll);
  for (; c + 16 <= t.channels; c += 16) columns<1>(t, c, kAll);
  if (c < t.channels) columns<1>(t, c, static_cast<__mmask16>((1u << (t.channels - c)) - 1u));
}

}  // namespace q8
