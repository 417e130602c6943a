#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/requantize_pack_avx2.h"

// What the 256-bit kernel files share; in an unnamed namespace, so that nothing of it is shared
// with files compiled for less.

namespace q8 {
namespace {

inline __m256i load_s32(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

inline __m256i broadcast4(const std::uint8_t* a) {
  std::int32_t four;
  __builtin_memcpy(&four, a, 4);
  return _mm256_set1_epi32(four);
}

// y clamped. max(low, y) and not max(y, low): equal operands give the second, as std::clamp does
// with −0.
inline __m256 clamped(__m256 y, float low, float high) {
  return _mm256_min_ps(_mm256_set1_ps(high), _mm256_max_ps(_mm256_set1_ps(low), y));
}

inline void store_bytes(std::uint8_t* to, __m128i q, int columns) {
  if (columns == 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), q);
  else
    __builtin_memcpy(to, &q, static_cast<std::size_t>(columns));
}

// s32 and f32 outputs of one row.
inline void store_wide(const TileU8S8& t, int i, const __m256i (&sum)[2]) {
  __m256i out[2] = {sum[0], sum[1]};
  if (t.kind == OutputKind::kF32)
    for (int v = 0; v < 2; ++v) {
      const __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[v]), _mm256_loadu_ps(t.scale + 8 * v));
      out[v] = _mm256_castps_si256(
          clamped(_mm256_add_ps(y, _mm256_loadu_ps(t.offset + 8 * v)), t.low, t.high));
    }
  char* to = static_cast<char*>(t.out) + i * t.out_stride * 4;
  if (t.columns == 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), out[0]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), out[1]);
  } else {
    __builtin_memcpy(to, out, static_cast<std::size_t>(t.columns * 4));
  }
}

// The sums of a 16-column tile, finished and stored.
template <int kRows>
inline void store_tile(const TileU8S8& t, __m256i (&sum)[kRows][2]) {
  if (t.row_sum != nullptr)
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const __m256i row_sum = _mm256_set1_epi32(t.row_sum[i]);
      for (int v = 0; v < 2; ++v)
        sum[i][v] = _mm256_sub_epi32(sum[i][v],
                                     _mm256_mullo_epi32(row_sum, load_s32(t.b_zero_point + 8 * v)));
    }
  if (t.kind != OutputKind::kByte) {
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) store_wide(t, i, sum[i]);
    return;
  }
  // In locals: bytes that are stored might be members of t, for all that the compiler knows.
  const BytePacker packer(t.zero_point, t.low, t.high);
  const __m256 scale0 = _mm256_loadu_ps(t.scale), scale1 = _mm256_loadu_ps(t.scale + 8);
  const std::int64_t stride = t.out_stride;
  const int columns = t.columns;
  auto* out = static_cast<std::uint8_t*>(t.out);
#pragma GCC unroll 3
  for (int i = 0; i < kRows; i += 2) {
    const int next = i + 1 < kRows ? i + 1 : i;
    const __m256i q = packer.pack_in_order(
        BytePacker::rounded(sum[i][0], scale0), BytePacker::rounded(sum[i][1], scale1),
        BytePacker::rounded(sum[next][0], scale0), BytePacker::rounded(sum[next][1], scale1));
    store_bytes(out + i * stride, _mm256_castsi256_si128(q), columns);
    if (next != i) store_bytes(out + next * stride, _mm256_extracti128_si256(q, 1), columns);
  }
}

}  // namespace
}  // namespace q8
