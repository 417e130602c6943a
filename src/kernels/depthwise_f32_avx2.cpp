#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_f32_kernels.h"

namespace q8 {
namespace {

__m256i first_lanes(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct Whole {
  __m256 load(const float* p) const { return _mm256_loadu_ps(p); }
  void store(float* p, __m256 v) const { _mm256_storeu_ps(p, v); }
};

struct Part {
  __m256i mask;
  __m256 load(const float* p) const { return _mm256_maskload_ps(p, mask); }
  void store(float* p, __m256 v) const { _mm256_maskstore_ps(p, mask, v); }
};

// P pixels share the weights of a tap; V vectors of 8 channels.
template <int P, int V, typename Lanes>
void block(const DepthwiseTileF32& t, std::int64_t pixel, std::int64_t c, Lanes lanes) {
  __m256 acc[P][V];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[p][v] = _mm256_setzero_ps();
  const float* const* rows = t.rows + pixel;
  const float* weights = t.weights + c;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, rows += t.leading, weights += t.channels) {
    __m256 w[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) w[v] = lanes.load(weights + v * 8);
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v)
        acc[p][v] = _mm256_fmadd_ps(lanes.load(rows[p] + c + v * 8), w[v], acc[p][v]);
  }
  const __m256 lo = _mm256_set1_ps(t.lo), hi = _mm256_set1_ps(t.hi);
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const std::int64_t at = (pixel + p) * t.channels + c + v * 8;
      __m256 y = _mm256_add_ps(acc[p][v], lanes.load(t.bias + c + v * 8));
      if (t.residual != nullptr) y = _mm256_add_ps(y, lanes.load(t.residual + at));
      // Both keep the second operand where the comparison fails: NaN passes through.
      lanes.store(t.out + at, _mm256_min_ps(hi, _mm256_max_ps(lo, y)));
    }
}

template <int V, typename Lanes>
void columns(const DepthwiseTileF32& t, std::int64_t c, Lanes lanes) {
  std::int64_t pixel = 0;
  for (; pixel + 4 <= t.pixels; pixel += 4) block<4, V>(t, pixel, c, lanes);
  for (; pixel < t.pixels; ++pixel) block<1, V>(t, pixel, c, lanes);
}

}  // namespace

void depthwise_f32_tile_avx2(const DepthwiseTileF32& t) {
  std::int64_t c = 0;
  for (; c + 16 <= t.channels; c += 16) columns<2>(t, c, Whole{});
  for (; c + 8 <= t.channels; c += 8) columns<1>(t, c, Whole{});
  if (c < t.channels) columns<1>(t, c, Part{first_lanes(t.channels - c)});
}

}  // namespace q8
