#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/f32/gemm_kernels.h"

namespace q8 {
namespace {

constexpr std::int64_t kMr = 12, kNr = 32;

__mmask16 first_lanes(std::int64_t n) {
  return n >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << n) - 1u);
}

__m512 bias_of(const GemmTileF32& t, std::int64_t j, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, t.bias + j);
}

// max and min keep the second operand where the comparison fails, so NaN passes through.
__m512 clamp(__m512 acc, const GemmTileF32& t) {
  return _mm512_min_ps(_mm512_set1_ps(t.hi), _mm512_max_ps(_mm512_set1_ps(t.lo), acc));
}

// M rows, V vectors of 16 columns; vector v stands at `b + v · 16` (one panel).
template <int M, int V, bool kPrefetches>
void tile(const GemmTileF32& t) {
  __mmask16 masks[V];
  __m512 acc[M][V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) masks[v] = first_lanes(t.n - v * 16);
#pragma GCC unroll 12
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
      acc[i][v] =
          t.first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(masks[v], t.c + i * t.ldc + v * 16);
  const char* prefetch = t.prefetch;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const float* a[M];
#pragma GCC unroll 12
    for (int i = 0; i < M; ++i) a[i] = t.rows[tap * kMr + i] + t.row_offset + t.channels;
    const float* b = t.packed + tap * t.packed_tap_stride;
    // k counts up to 0, which spares a register: 12 rows, b and k just fit. Two steps at a time:
    // what counts takes the ports of the multiply-adds, 88 % of the peak with one step and 93 %
    // with two on Sapphire Rapids.
#pragma GCC unroll 2
    for (std::int64_t k = -t.channels; k != 0; ++k, b += kNr) {
      __m512 bv[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) bv[v] = _mm512_loadu_ps(b + v * 16);
#pragma GCC unroll 12
      for (int i = 0; i < M; ++i) {
        const __m512 av = _mm512_set1_ps(a[i][k]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] = _mm512_fmadd_ps(av, bv[v], acc[i][v]);
      }
      if constexpr (kPrefetches) {
        _mm_prefetch(prefetch, _MM_HINT_T1);
        prefetch += t.prefetch_step;
      }
    }
  }
  if (t.last) {
    if (t.bias != nullptr) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        const __m512 bias = bias_of(t, v * 16, masks[v]);
#pragma GCC unroll 12
        for (int i = 0; i < M; ++i) acc[i][v] = _mm512_add_ps(acc[i][v], bias);
      }
    }
    if (t.residual != nullptr) {
#pragma GCC unroll 12
      for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v)
          acc[i][v] = _mm512_add_ps(
              acc[i][v], _mm512_maskz_loadu_ps(masks[v], t.residual + i * t.ld_residual + v * 16));
    }
#pragma GCC unroll 12
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[i][v] = clamp(acc[i][v], t);
  }
#pragma GCC unroll 12
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
      _mm512_mask_storeu_ps(t.c + i * t.ldc + v * 16, masks[v], acc[i][v]);
}

// One row, P panels: 2·P chains of multiply-adds hide the latency of each.
template <int P>
void row(const GemmTileF32& t) {
  __mmask16 masks[2 * P];
  __m512 acc[2 * P];
#pragma GCC unroll 8
  for (int v = 0; v < 2 * P; ++v) {
    masks[v] = t.n > v * 16 ? first_lanes(t.n - v * 16) : __mmask16{0};
    acc[v] = t.first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(masks[v], t.c + v * 16);
  }
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const float* a = t.rows[tap * kMr] + t.row_offset;
    const float* b = t.packed + tap * t.packed_tap_stride;
    for (std::int64_t k = 0; k < t.channels; ++k, b += kNr) {
      const __m512 av = _mm512_set1_ps(a[k]);
#pragma GCC unroll 8
      for (int v = 0; v < 2 * P; ++v)
        acc[v] = _mm512_fmadd_ps(
            av, _mm512_loadu_ps(b + v / 2 * t.packed_panel_stride + v % 2 * 16), acc[v]);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < 2 * P; ++v) {
    if (t.last) {
      if (t.bias != nullptr) acc[v] = _mm512_add_ps(acc[v], bias_of(t, v * 16, masks[v]));
      if (t.residual != nullptr)
        acc[v] = _mm512_add_ps(acc[v], _mm512_maskz_loadu_ps(masks[v], t.residual + v * 16));
      acc[v] = clamp(acc[v], t);
    }
    _mm512_mask_storeu_ps(t.c + v * 16, masks[v], acc[v]);
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
    {tile<7, 1, kPrefetches>, tile<7, 2, kPrefetches>},
    {tile<8, 1, kPrefetches>, tile<8, 2, kPrefetches>},
    {tile<9, 1, kPrefetches>, tile<9, 2, kPrefetches>},
    {tile<10, 1, kPrefetches>, tile<10, 2, kPrefetches>},
    {tile<11, 1, kPrefetches>, tile<11, 2, kPrefetches>},
    {tile<12, 1, kPrefetches>, tile<12, 2, kPrefetches>},
};
constexpr Tile kRows[] = {row<2>, row<3>, row<4>};

}  // namespace

void gemm_f32_tile_avx512(const GemmTileF32& t) {
  if (t.n > kNr)
    kRows[(t.n - 1) / kNr - 1](t);
  else
    (t.prefetch_step > 0 ? kTiles<true> : kTiles<false>)[t.m - 1][t.n > 16](t);
}

}  // namespace q8
