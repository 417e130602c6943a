#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"

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

// Sixteen s32 that fit a byte (u8 or s8) to sixteen bytes.
inline __m128i to_bytes(__m256i first, __m256i second) {
  const __m256i byte = _mm256_set1_epi32(0xff);
  const __m256i words =
      _mm256_packus_epi32(_mm256_and_si256(first, byte), _mm256_and_si256(second, byte));
  const __m256i ordered = _mm256_permute4x64_epi64(words, 0xd8);
  return _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
}

// Row i of a 16-column tile.
inline void store_row(const TileU8S8& t, int i, __m256i first, __m256i second) {
  if (t.row_sum != nullptr) {
    const __m256i sum = _mm256_set1_epi32(t.row_sum[i]);
    first = _mm256_sub_epi32(first, _mm256_mullo_epi32(sum, load_s32(t.b_zero_point)));
    second = _mm256_sub_epi32(second, _mm256_mullo_epi32(sum, load_s32(t.b_zero_point + 8)));
  }
  __m256i out[2] = {first, second};
  std::int64_t element = 4;
  if (t.kind != OutputKind::kS32) {
    __m256 y0 = _mm256_mul_ps(_mm256_cvtepi32_ps(first), _mm256_loadu_ps(t.scale));
    __m256 y1 = _mm256_mul_ps(_mm256_cvtepi32_ps(second), _mm256_loadu_ps(t.scale + 8));
    if (t.kind == OutputKind::kF32) {
      y0 = _mm256_add_ps(y0, _mm256_loadu_ps(t.offset));
      y1 = _mm256_add_ps(y1, _mm256_loadu_ps(t.offset + 8));
    }
    y0 = clamped(y0, t.low, t.high);
    y1 = clamped(y1, t.low, t.high);
    if (t.kind == OutputKind::kF32) {
      out[0] = _mm256_castps_si256(y0);
      out[1] = _mm256_castps_si256(y1);
    } else {
      const __m256i zero_point = _mm256_set1_epi32(t.zero_point);
      const __m128i bytes = to_bytes(_mm256_add_epi32(_mm256_cvtps_epi32(y0), zero_point),
                                     _mm256_add_epi32(_mm256_cvtps_epi32(y1), zero_point));
      out[0] = _mm256_castsi128_si256(bytes);
      element = 1;
    }
  }
  char* to = static_cast<char*>(t.out) + i * t.out_stride * element;
  if (t.columns == 16 && element == 1) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(out[0]));
  } else if (t.columns == 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), out[0]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), out[1]);
  } else {
    __builtin_memcpy(to, out, static_cast<std::size_t>(t.columns * element));
  }
}

}  // namespace
}  // namespace q8
