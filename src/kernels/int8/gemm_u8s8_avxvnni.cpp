#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/store_u8s8_avx2.h"

namespace q8 {
namespace {

constexpr int kNr = 16;

template <int kRows>
void tile(const TileU8S8& t) {
  __m256i sum[kRows][2];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < 2; ++v) sum[i][v] = load_s32(t.bias + 8 * v);
  const std::int8_t* b = t.b;
  const std::uint8_t* const* rows = t.a;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, rows += kRows) {
    const std::uint8_t* a[kRows];
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) a[i] = rows[i];
    for (std::int64_t k = 0; k < 4 * t.k4; k += 4, b += 4 * kNr) {
      const __m256i panel[2] = {load_s32(b), load_s32(b + 32)};
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) {
        const __m256i four = broadcast4(a[i] + k);
        sum[i][0] = _mm256_dpbusd_avx_epi32(sum[i][0], four, panel[0]);
        sum[i][1] = _mm256_dpbusd_avx_epi32(sum[i][1], four, panel[1]);
      }
    }
  }
  store_tile(t, sum);
}

constexpr TileU8S8Function kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};

}  // namespace

void tile_u8s8_avxvnni(const TileU8S8& t) {
  kTiles[t.rows - 1](t);
}

}  // namespace q8
