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
    const __m512 scale = _mm512_loadu_ps(s.scale + j);
    const __m512i zero = _mm512_loadu_si512(s.zero_point + j);
#pragma GCC unroll 4
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const std::int64_t at = r * s.columns + j;
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.q + at));
      const __m512i q = kSigned ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
      const __m512 real = _mm512_cvtepi32_ps(_mm512_sub_epi32(q, zero));
      _mm512_storeu_ps(s.out + at, _mm512_mul_ps(real, scale));
    }
  }
}

}  // namespace

void widen_u8_avx512(const WidenSpan& s) {
  s.is_signed ? widen<true>(s) : widen<false>(s);
}

}  // namespace q8
