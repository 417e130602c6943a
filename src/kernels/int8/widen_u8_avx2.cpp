#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/widen_u8_kernels.h"

namespace q8 {
namespace {

// 16 columns at a time, all rows: their parameters stay in registers.
template <bool kSigned>
void widen(const WidenSpan& s) {
  for (std::int64_t j = 0; j < s.columns; j += 16) {
    __m256 scale[2];
    __m256i zero[2];
    for (int v = 0; v < 2; ++v) {
      scale[v] = _mm256_loadu_ps(s.scale + j + 8 * v);
      zero[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(s.zero_point + j + 8 * v));
    }
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const std::int64_t at = r * s.columns + j;
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(s.q + at + 8 * v));
        const __m256i q = kSigned ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
        const __m256 real = _mm256_cvtepi32_ps(_mm256_sub_epi32(q, zero[v]));
        _mm256_storeu_ps(s.out + at + 8 * v, _mm256_mul_ps(real, scale[v]));
      }
    }
  }
}

}  // namespace

void widen_u8_avx2(const WidenSpan& s) {
  s.is_signed ? widen<true>(s) : widen<false>(s);
}

}  // namespace q8
