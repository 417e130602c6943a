#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/store_u8s8_avx2.h"

// vpmaddubsw would saturate its pair sums, so bytes are widened to 16 bits: the even bytes of each
// dword (k 0 and 2) and the odd ones (k 1 and 3) apart, which takes shifts and no shuffles. Rows
// are widened once for all panels, so that a tile reads a pair of theirs by a broadcast alone;
// weights while they are multiplied: as 16-bit numbers they would take twice the memory.

namespace q8 {
namespace {

constexpr int kMr = 6, kNr = 16;
constexpr std::int64_t kGroupBytes = 8;  // of four k of a widened row: the even pair, the odd one

// An odd number of cache lines, so that the rows of a tile lie in different sets.
std::int64_t row_bytes(std::int64_t groups) {
  constexpr std::int64_t kLine = 64;
  return ((groups * kGroupBytes + kLine - 1) / kLine | 1) * kLine;
}

inline __m256i even_bytes(__m256i a) {
  return _mm256_and_si256(a, _mm256_set1_epi16(0xff));
}

// Groups of four bytes to groups of four 16-bit numbers.
void widen_row(const std::uint8_t* from, std::int64_t groups, std::uint8_t* to) {
  std::int64_t g = 0;
  for (; g + 8 <= groups; g += 8, to += 8 * kGroupBytes) {
    const __m256i bytes = load_s32(from + 4 * g);
    const __m256i even = even_bytes(bytes), odd = _mm256_srli_epi16(bytes, 8);
    const __m256i low = _mm256_unpacklo_epi32(even, odd), high = _mm256_unpackhi_epi32(even, odd);
    auto* out = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }
  for (; g < groups; ++g, to += kGroupBytes) {
    std::uint32_t bytes;
    __builtin_memcpy(&bytes, from + 4 * g, 4);
    const std::uint32_t pairs[2] = {bytes & 0x00ff00ffu, bytes >> 8 & 0x00ff00ffu};
    __builtin_memcpy(to, pairs, sizeof pairs);
  }
}

inline __m256i pair(const std::uint8_t* a) {
  return _mm256_broadcastd_epi32(_mm_loadu_si32(a));
}

// Sixteen registers just suffice: twelve sums, the pairs of the panel, one of a row, a product.
template <int kRows>
inline void add_products(const std::uint8_t* const (&a)[kRows], std::int64_t at,
                         const __m256i (&panel)[2], __m256i (&sum)[kRows][2]) {
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
    const __m256i row = pair(a[i] + at);
    for (int v = 0; v < 2; ++v) {
      sum[i][v] = _mm256_add_epi32(sum[i][v], _mm256_madd_epi16(row, panel[v]));
      // Else the compiler adds even and odd products to each other first, all at the same time.
      __asm__("" : "+x"(sum[i][v]));
    }
  }
}

template <int kRows>
void tile(const TileU8S8& t, const std::uint8_t* rows, std::int64_t stride) {
  __m256i sum[kRows][2];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < 2; ++v) sum[i][v] = load_s32(t.bias + 8 * v);
  const std::uint8_t* a[kRows];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) a[i] = rows + i * stride;
  const std::int8_t* b = t.b;
  const std::int64_t end = t.taps * t.k4 * kGroupBytes;
  for (std::int64_t k = 0; k < end; k += kGroupBytes, b += 4 * kNr) {
    __m256i panel[2];
    for (int v = 0; v < 2; ++v)
      panel[v] = _mm256_srai_epi16(_mm256_slli_epi16(load_s32(b + 32 * v), 8), 8);
    add_products(a, k, panel, sum);
    for (int v = 0; v < 2; ++v) panel[v] = _mm256_srai_epi16(load_s32(b + 32 * v), 8);
    add_products(a, k + 4, panel, sum);
  }
  store_tile(t, sum);
}

using Tile = void (*)(const TileU8S8&, const std::uint8_t*, std::int64_t);
constexpr Tile kTiles[] = {tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};

std::int64_t scratch_bytes(const StripShape& s) {
  return kMr * row_bytes(s.taps * s.k4);
}

void run(const StripU8S8& strip) {
  TileU8S8 t = strip.tile;
  const std::int64_t stride = row_bytes(t.taps * t.k4);
  for (int i = 0; i < t.rows; ++i)
    for (std::int64_t tap = 0; tap < t.taps; ++tap)
      widen_row(t.a[tap * t.rows + i], t.k4, strip.scratch + i * stride + tap * t.k4 * kGroupBytes);
  const std::int64_t element = t.kind == OutputKind::kByte ? 1 : 4;
  for (int left = t.columns; left > 0; left -= kNr) {
    t.columns = left < kNr ? left : kNr;
    kTiles[t.rows - 1](t, strip.scratch, stride);
    to_next_panel(t, kNr, strip.panel_bytes, element);
  }
}

void nothing(const StripShape&) {}

}  // namespace

const StripKernels kStripU8S8Avx2 = {scratch_bytes, nothing, run, nothing};

}  // namespace q8
