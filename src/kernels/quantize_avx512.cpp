#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/quantize_kernels.h"

namespace q8 {
namespace {

// x / scale, the same bits as the division as far as a byte can tell, at a third of its time: a
// product with the reciprocal is at most two units in the last place off; one step of Newton's
// method makes that less than one, and by Markstein's theorem the next one rounds as a division
// does. Remainders are exact while nothing underflows: scales far from 1 are divided by. A large
// quotient, which saturates anyway, is left alone, so that infinity stays what it is.
class Divider {
 public:
  explicit Divider(float scale_value)
      : scale(_mm512_set1_ps(scale_value)),
        reciprocal(_mm512_set1_ps(1.0f / scale_value)),
        divides(!(scale_value > 1e-20f && scale_value < 1e20f)) {}

  __m512 operator()(__m512 x) const {
    if (divides) return _mm512_div_ps(x, scale);
    constexpr float kLarge = 65536.0f;
    __m512 q = _mm512_mul_ps(x, reciprocal);
    const __mmask16 small =
        _mm512_cmp_ps_mask(_mm512_abs_ps(q), _mm512_set1_ps(kLarge), _CMP_LT_OQ);
    q = _mm512_mask3_fmadd_ps(_mm512_fnmadd_ps(q, scale, x), reciprocal, q, small);
    return _mm512_mask3_fmadd_ps(_mm512_fnmadd_ps(q, scale, x), reciprocal, q, small);
  }

 private:
  __m512 scale, reciprocal;
  bool divides;
};

struct Quantizer {
  Quantizer(float scale_value, std::int32_t zero, std::int32_t low_value, std::int32_t high_value)
      : divided(scale_value),
        low(_mm512_set1_ps(static_cast<float>(low_value - zero))),
        high(_mm512_set1_ps(static_cast<float>(high_value - zero))),
        zero_point(_mm512_set1_epi32(zero)) {}

  // max(q, low): a NaN in the first operand gives the second.
  __m128i operator()(__m512 x) const {
    const __m512 q = _mm512_min_ps(_mm512_max_ps(divided(x), low), high);
    return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(q), zero_point));
  }

  Divider divided;
  __m512 low, high;
  __m512i zero_point;
};

// s8 is flipped to u8 and its zero point raised.
struct Dequantizer {
  explicit Dequantizer(const ByteFormat& format)
      : scale(_mm512_set1_ps(format.scale)),
        zero_point(_mm512_set1_epi32(format.zero_point + (format.is_signed ? 128 : 0))),
        flip(_mm_set1_epi8(static_cast<char>(format.is_signed ? 0x80 : 0))) {}

  __m512 operator()(__m128i bytes) const {
    const __m512i q = _mm512_cvtepu8_epi32(_mm_xor_si128(bytes, flip));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(q, zero_point)), scale);
  }

  __m512 scale;
  __m512i zero_point;
  __m128i flip;
};

inline __mmask16 mask_of(std::int64_t left) {
  return static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
}

template <bool kMultiply, bool kOneB>
void combine(const CombineSpan& s) {
  const Dequantizer real_a(s.a_format), real_b(s.b_format);
  const Quantizer quantized(s.scale, s.zero_point, s.low, s.high);
  const __m512 only_b =
      kOneB && s.count > 0 ? real_b(_mm_set1_epi8(static_cast<char>(s.b[0]))) : _mm512_setzero_ps();
  for (std::int64_t i = 0; i < s.count; i += 16) {
    const __mmask16 mask = mask_of(s.count - i);
    const __m512 a = real_a(_mm_maskz_loadu_epi8(mask, s.a + i));
    const __m512 b = kOneB ? only_b : real_b(_mm_maskz_loadu_epi8(mask, s.b + i));
    const __m128i q = quantized(kMultiply ? _mm512_mul_ps(a, b) : _mm512_add_ps(a, b));
    if (s.count - i >= 16)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(s.out + i), q);
    else
      _mm_mask_storeu_epi8(s.out + i, mask, q);
  }
}

}  // namespace

void quantize_avx512(const QuantizeSpan& s) {
  const Quantizer quantized(s.scale, s.zero_point, s.low, s.high);
  std::int64_t i = 0;
  for (; i + 16 <= s.count; i += 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(s.out + i), quantized(_mm512_loadu_ps(s.x + i)));
  if (i == s.count) return;
  const __mmask16 mask = mask_of(s.count - i);
  _mm_mask_storeu_epi8(s.out + i, mask, quantized(_mm512_maskz_loadu_ps(mask, s.x + i)));
}

void dequantize_avx512(const DequantizeSpan& s) {
  const Dequantizer real(s.format);
  std::int64_t i = 0;
  for (; i + 16 <= s.count; i += 16)
    _mm512_storeu_ps(s.out + i, real(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s.q + i))));
  if (i == s.count) return;
  const __mmask16 mask = mask_of(s.count - i);
  _mm512_mask_storeu_ps(s.out + i, mask, real(_mm_maskz_loadu_epi8(mask, s.q + i)));
}

void combine_u8_avx512(const CombineSpan& s) {
  if (s.multiply)
    s.b_step == 0 ? combine<true, true>(s) : combine<true, false>(s);
  else
    s.b_step == 0 ? combine<false, true>(s) : combine<false, false>(s);
}

FloatRange range_avx512(const float* x, std::int64_t count) {
  // Four pairs of chains hide the latency. min(x, low): a NaN in the first operand gives the
  // second.
  constexpr int kChains = 4;
  __m512 low[kChains], high[kChains];
  for (int c = 0; c < kChains; ++c) low[c] = high[c] = _mm512_setzero_ps();
  std::int64_t i = 0;
  for (; i + 16 * kChains <= count; i += 16 * kChains)
#pragma GCC unroll 4
    for (int c = 0; c < kChains; ++c) {
      const __m512 v = _mm512_loadu_ps(x + i + 16 * c);
      low[c] = _mm512_min_ps(v, low[c]);
      high[c] = _mm512_max_ps(v, high[c]);
    }
  for (; i < count; i += 16) {
    const __m512 v = _mm512_maskz_loadu_ps(mask_of(count - i), x + i);
    low[0] = _mm512_min_ps(v, low[0]);
    high[0] = _mm512_max_ps(v, high[0]);
  }
  for (int c = 1; c < kChains; ++c) {
    low[0] = _mm512_min_ps(low[0], low[c]);
    high[0] = _mm512_max_ps(high[0], high[c]);
  }
  return {_mm512_reduce_min_ps(low[0]), _mm512_reduce_max_ps(high[0])};
}

}  // namespace q8
