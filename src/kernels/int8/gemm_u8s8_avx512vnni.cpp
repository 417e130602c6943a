#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/requantize_pack_avx512.h"
#include "kernels/int8/store_u8s8_avx512.h"

namespace q8 {
namespace {

constexpr int kNr = 32;

template <int kRows, int kVectors>
inline void subtract_zero_points(const TileU8S8& t, __m512i (&sum)[kRows][kVectors]) {
  if (t.row_sum == nullptr) return;
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const __m512i zero_point = _mm512_loadu_si512(t.b_zero_point + 16 * v);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i)
      sum[i][v] = _mm512_sub_epi32(sum[i][v],
                                   _mm512_mullo_epi32(_mm512_set1_epi32(t.row_sum[i]), zero_point));
  }
}

template <bool kPlain, int kRows>
inline void store_wide(const TileU8S8& t, const __m512i (&sum)[kRows][2], __m512 scale0,
                       __m512 scale1) {
  const BytePacker packer(t.zero_point, t.low, t.high);
  const auto mask = static_cast<__mmask32>((std::uint64_t{1} << t.columns) - 1);
  auto* out = static_cast<std::uint8_t*>(t.out);
  const bool whole = t.columns == 32;
#pragma GCC unroll 6
  for (int i = 0; i < kRows; i += 2) {
    const int next = i + 1 < kRows ? i + 1 : i;
    const __m512i q =
        packer.pack_in_order<kPlain>(BytePacker::rounded<kPlain>(sum[i][0], scale0),
                                     BytePacker::rounded<kPlain>(sum[i][1], scale1),
                                     BytePacker::rounded<kPlain>(sum[next][0], scale0),
                                     BytePacker::rounded<kPlain>(sum[next][1], scale1));
    const __m256i first = _mm512_castsi512_si256(q), second = _mm512_extracti64x4_epi64(q, 1);
    std::uint8_t* to = out + i * t.out_stride;
    if (whole) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), first);
      if (next != i) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + t.out_stride), second);
    } else {
      _mm256_mask_storeu_epi8(to, mask, first);
      if (next != i) _mm256_mask_storeu_epi8(to + t.out_stride, mask, second);
    }
  }
}

template <int kRows>
inline void store_bytes(const TileU8S8& t, const __m512i (&sum)[kRows][2]) {
  const __m512 scale0 = _mm512_loadu_ps(t.scale), scale1 = _mm512_loadu_ps(t.scale + 16);
  if (BytePacker::is_plain(t.zero_point, t.low, t.high, scale0, scale1))
    store_wide<true>(t, sum, scale0, scale1);
  else
    store_wide<false>(t, sum, scale0, scale1);
}

template <int kRows>
inline void store_bytes(const TileU8S8& t, const __m512i (&sum)[kRows][1]) {
  const BytePacker packer(t.zero_point, t.low, t.high);
  const __m512 scale = _mm512_loadu_ps(t.scale);
  const auto mask = static_cast<__mmask16>((1u << t.columns) - 1);
  auto* out = static_cast<std::uint8_t*>(t.out);
#pragma GCC unroll 3
  for (int i = 0; i < kRows; i += 4) {
    const auto row = [&](int at) {
      return BytePacker::rounded(sum[at < kRows ? at : kRows - 1][0], scale);
    };
    const __m512i q = packer.pack_in_order(row(i), row(i + 1), row(i + 2), row(i + 3));
    std::uint8_t* to = out + i * t.out_stride;
    _mm_mask_storeu_epi8(to, mask, _mm512_castsi512_si128(q));
    if (i + 1 < kRows)
      _mm_mask_storeu_epi8(to + t.out_stride, mask, _mm512_extracti32x4_epi32(q, 1));
    if (i + 2 < kRows)
      _mm_mask_storeu_epi8(to + 2 * t.out_stride, mask, _mm512_extracti32x4_epi32(q, 2));
    if (i + 3 < kRows)
      _mm_mask_storeu_epi8(to + 3 * t.out_stride, mask, _mm512_extracti32x4_epi32(q, 3));
  }
}

inline __m512i broadcast4(const std::uint8_t* a) {
  std::int32_t four;
  __builtin_memcpy(&four, a, 4);
  return _mm512_set1_epi32(four);
}

// kRows × kVectors·16 sums in registers: 24 of 32 at 12×2. kAsks: asks for weights ahead.
template <int kRows, int kVectors, bool kAsks>
void tile(const TileU8S8& t) {
  __m512i sum[kRows][kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const __m512i bias = _mm512_loadu_si512(t.bias + 16 * v);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) sum[i][v] = bias;
  }
  const std::int8_t* b = t.b;
  const std::int64_t ahead = t.prefetch_ahead;
  const std::uint8_t* const* rows = t.a;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, rows += kRows) {
    const std::uint8_t* a[kRows];
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) a[i] = rows[i];
    // The end is asked of b: twelve row pointers leave few registers for anything else.
    const std::int8_t* const end = b + t.k4 * 4 * kNr;
    for (std::int64_t k = 0; b != end; k += 4, b += 4 * kNr) {
      __m512i panel[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) panel[v] = _mm512_load_si512(b + 64 * v);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const __m512i four = broadcast4(a[i] + k);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v)
          sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], four, panel[v]);
      }
      if constexpr (kAsks) {
        _mm_prefetch(b + ahead, _MM_HINT_T1);
        _mm_prefetch(b + ahead + 64, _MM_HINT_T1);
      }
    }
  }
  subtract_zero_points(t, sum);
  if (t.kind == OutputKind::kByte) {
    store_bytes(t, sum);
    return;
  }
  // Through the caller's memory: an array here would cost the loop above a register.
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      _mm512_storeu_si512(t.spill + (i * kVectors + v) * 16, sum[i][v]);
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v)
      store_slowly(t, i, 16 * v, t.spill + (i * kVectors + v) * 16);
}

// One row: the weights are read once from far away, so four steps of k at a time, each with its own
// sums to hide the latency.
template <int kVectors>
void single_row(const TileU8S8& t) {
  constexpr int kChains = 4;

  __m512i sum[1][kVectors], partial[kChains][kVectors];
  for (int c = 0; c < kChains; ++c)
    for (int v = 0; v < kVectors; ++v) partial[c][v] = _mm512_setzero_si512();
  const std::int8_t* b = t.b;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const std::uint8_t* a = t.a[tap];
    std::int64_t k = 0;
    for (; k + kChains <= t.k4; k += kChains)
#pragma GCC unroll 4
      for (int c = 0; c < kChains; ++c, b += 4 * kNr) {
        const __m512i four = broadcast4(a + 4 * (k + c));
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          partial[c][v] = _mm512_dpbusd_epi32(partial[c][v], four, _mm512_load_si512(b + 64 * v));
        }
      }
    for (; k < t.k4; ++k, b += 4 * kNr)
      for (int v = 0; v < kVectors; ++v)
        partial[0][v] = _mm512_dpbusd_epi32(partial[0][v], broadcast4(a + 4 * k),
                                            _mm512_load_si512(b + 64 * v));
  }
  for (int v = 0; v < kVectors; ++v)
    sum[0][v] = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(partial[0][v], partial[1][v]),
                                                  _mm512_add_epi32(partial[2][v], partial[3][v])),
                                 _mm512_loadu_si512(t.bias + 16 * v));
  subtract_zero_points(t, sum);
  if (t.kind == OutputKind::kByte) {
    store_bytes(t, sum);
    return;
  }
  for (int v = 0; v < kVectors; ++v) {
    _mm512_storeu_si512(t.spill + 16 * v, sum[0][v]);
    store_slowly(t, 0, 16 * v, t.spill + 16 * v);
  }
}

template <int kVectors, bool kAsks>
constexpr TileU8S8Function kTiles[] = {
    single_row<kVectors>,      tile<2, kVectors, kAsks>,  tile<3, kVectors, kAsks>,
    tile<4, kVectors, kAsks>,  tile<5, kVectors, kAsks>,  tile<6, kVectors, kAsks>,
    tile<7, kVectors, kAsks>,  tile<8, kVectors, kAsks>,  tile<9, kVectors, kAsks>,
    tile<10, kVectors, kAsks>, tile<11, kVectors, kAsks>, tile<12, kVectors, kAsks>};

}  // namespace

void tile_u8s8_avx512vnni(const TileU8S8& t) {
  const int last = t.rows - 1;
  if (t.columns <= 16)
    kTiles<1, false>[last](t);
  else
    (t.prefetch_ahead > 0 ? kTiles<2, true> : kTiles<2, false>)[last](t);
}

}  // namespace q8
