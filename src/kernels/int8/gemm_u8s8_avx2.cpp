#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/store_u8s8_avx2.h"

// vpmaddubsw would saturate its pair sums, so bytes are widened to 16 bits: the even bytes of each
// dword (k 0 and 2) and the odd ones (k 1 and 3) apart, which takes shifts and no shuffles.

namespace q8 {
namespace {

constexpr int kNr = 16;

struct Widened {
  __m256i even, odd;
};

inline Widened widen_s8(__m256i b) {
  return {_mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8), _mm256_srai_epi16(b, 8)};
}

inline Widened widen_u8(__m256i a) {
  return {_mm256_and_si256(a, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(a, 8)};
}

inline __m256i multiply(const Widened& a, const Widened& b) {
  return _mm256_add_epi32(_mm256_madd_epi16(a.even, b.even), _mm256_madd_epi16(a.odd, b.odd));
}

template <int kRows>
void tile(const TileU8S8& t) {
  __m256i sum[kRows][2];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < 2; ++v) sum[i][v] = load_s32(t.bias + 8 * v);
  const std::int8_t* b = t.b;
  const std::uint8_t* const* rows = t.a;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, rows += kRows) {
    const std::uint8_t* a[kRows];
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) a[i] = rows[i];
    for (std::int64_t k = 0; k < 4 * t.k4; k += 4, b += 4 * kNr) {
      const Widened panel[2] = {widen_s8(load_s32(b)), widen_s8(load_s32(b + 32))};
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        const Widened four = widen_u8(broadcast4(a[i] + k));
        sum[i][0] = _mm256_add_epi32(sum[i][0], multiply(four, panel[0]));
        sum[i][1] = _mm256_add_epi32(sum[i][1], multiply(four, panel[1]));
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) store_row(t, i, sum[i][0], sum[i][1]);
}

constexpr TileU8S8Function kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>};

}  // namespace

void tile_u8s8_avx2(const TileU8S8& t) {
  kTiles[t.rows - 1](t);
}

}  // namespace q8
