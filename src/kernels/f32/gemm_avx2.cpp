#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/f32/gemm_kernels.h"

namespace q8 {
namespace {

constexpr std::int64_t kMr = 6, kNr = 16;

__m256i first_lanes(std::int64_t n) {
  const int count = n < 0 ? 0 : n > 8 ? 8 : static_cast<int>(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// max and min keep the second operand where the comparison fails, so NaN passes through.
__m256 finish(__m256 acc, const GemmTileF32& t, std::int64_t i, std::int64_t j, __m256i mask) {
  if (t.bias != nullptr) acc = _mm256_add_ps(acc, _mm256_maskload_ps(t.bias + j, mask));
  if (t.residual != nullptr)
    acc = _mm256_add_ps(acc, _mm256_maskload_ps(t.residual + i * t.ld_residual + j, mask));
  acc = _mm256_max_ps(_mm256_set1_ps(t.lo), acc);
  return _mm256_min_ps(_mm256_set1_ps(t.hi), acc);
}

// M rows, V vectors of 8 columns; vector v stands at `b + v · 8` (one panel).
template <int M, int V, bool kPrefetches>
void tile(const GemmTileF32& t) {
  __m256 acc[M][V];
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
      acc[i][v] = t.first ? _mm256_setzero_ps()
                          : _mm256_maskload_ps(t.c + i * t.ldc + v * 8, first_lanes(t.n - v * 8));
  const char* prefetch = t.prefetch;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const float* a[M];
#pragma GCC unroll 6
    for (int i = 0; i < M; ++i) a[i] = t.rows[tap * kMr + i] + t.row_offset;
    const float* b = t.packed + tap * t.packed_tap_stride;
#pragma GCC unroll 2
    for (std::int64_t k = 0; k < t.channels; ++k, b += kNr) {
      __m256 bv[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) bv[v] = _mm256_loadu_ps(b + v * 8);
#pragma GCC unroll 6
      for (int i = 0; i < M; ++i) {
        const __m256 av = _mm256_set1_ps(a[i][k]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] = _mm256_fmadd_ps(av, bv[v], acc[i][v]);
      }
      if constexpr (kPrefetches) {
        _mm_prefetch(prefetch, _MM_HINT_T1);
        prefetch += t.prefetch_step;
      }
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const __m256i mask = first_lanes(t.n - v * 8);
      const __m256 c = t.last ? finish(acc[i][v], t, i, v * 8, mask) : acc[i][v];
      _mm256_maskstore_ps(t.c + i * t.ldc + v * 8, mask, c);
    }
}

// One row, P panels: 2·P chains of multiply-adds hide the latency of each.
template <int P>
void row(const GemmTileF32& t) {
  __m256 acc[2 * P];
#pragma GCC unroll 10
  for (int v = 0; v < 2 * P; ++v)
    acc[v] =
        t.first ? _mm256_setzero_ps() : _mm256_maskload_ps(t.c + v * 8, first_lanes(t.n - v * 8));
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const float* a = t.rows[tap * kMr] + t.row_offset;
    const float* b = t.packed + tap * t.packed_tap_stride;
    for (std::int64_t k = 0; k < t.channels; ++k, b += kNr) {
      const __m256 av = _mm256_set1_ps(a[k]);
#pragma GCC unroll 10
      for (int v = 0; v < 2 * P; ++v)
        acc[v] = _mm256_fmadd_ps(av, _mm256_loadu_ps(b + v / 2 * t.packed_panel_stride + v % 2 * 8),
                                 acc[v]);
    }
  }
#pragma GCC unroll 10
  for (int v = 0; v < 2 * P; ++v) {
    const __m256i mask = first_lanes(t.n - v * 8);
    const __m256 c = t.last ? finish(acc[v], t, 0, v * 8, mask) : acc[v];
    _mm256_maskstore_ps(t.c + v * 8, mask, c);
  }
}

using Tile = void (*)(const GemmTileF32&);
template <bool kPrefetches>
constexpr Tile kTiles[kMr][2] = {
    {tile<1, 1, kPrefetches>, tile<1, 2, kPrefetches>},
    {tile<2, 1, kPrefetches>, tile<2, 2, kPrefetches>},
    {tile<3, 1, kPrefetches>, tile<3, 2, kPrefetches>},
    {tile<4, 1, kPrefetches>, tile<4, 2, kPrefetches>},
    {tile<5, 1, kPrefetches>, tile<5, 2, kPrefetches>},
    {tile<6, 1, kPrefetches>, tile<6, 2, kPrefetches>},
};
constexpr Tile kRows[] = {row<2>, row<3>, row<4>, row<5>};

}  // namespace

void gemm_f32_tile_avx2(const GemmTileF32& t) {
  if (t.n > kNr)
    kRows[(t.n - 1) / kNr - 1](t);
  else
    (t.prefetch_step > 0 ? kTiles<true> : kTiles<false>)[t.m - 1][t.n > 8](t);
}

}  // namespace q8
