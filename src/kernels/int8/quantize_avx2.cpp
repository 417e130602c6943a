#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/quantize_kernels.h"

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
      : scale(_mm256_set1_ps(scale_value)),
        reciprocal(_mm256_set1_ps(1.0f / scale_value)),
        divides(!(scale_value > 1e-20f && scale_value < 1e20f)) {}

  __m256 operator()(__m256 x) const {
    if (divides) return _mm256_div_ps(x, scale);
    constexpr float kLarge = 65536.0f;
    const __m256 q = _mm256_mul_ps(x, reciprocal);
    const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), q);
    const __m256 small = _mm256_cmp_ps(magnitude, _mm256_set1_ps(kLarge), _CMP_LT_OQ);
    __m256 exact = _mm256_fmadd_ps(_mm256_fnmadd_ps(q, scale, x), reciprocal, q);
    exact = _mm256_fmadd_ps(_mm256_fnmadd_ps(exact, scale, x), reciprocal, exact);
    return _mm256_blendv_ps(q, exact, small);
  }

 private:
  __m256 scale, reciprocal;
  bool divides;
};

struct Quantizer {
  Quantizer(float scale_value, std::int32_t zero, std::int32_t low_value, std::int32_t high_value)
      : divided(scale_value),
        low(_mm256_set1_ps(static_cast<float>(low_value - zero))),
        high(_mm256_set1_ps(static_cast<float>(high_value - zero))),
        zero_point(_mm256_set1_epi32(zero)) {}

  // Eight bytes. max(q, low): a NaN in the first operand gives the second.
  __m128i operator()(__m256 x) const {
    const __m256 q = _mm256_min_ps(_mm256_max_ps(divided(x), low), high);
    const __m256i byte = _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(q), zero_point),
                                          _mm256_set1_epi32(0xff));
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(byte), _mm256_extracti128_si256(byte, 1));
    return _mm_packus_epi16(words, words);
  }

  Divider divided;
  __m256 low, high;
  __m256i zero_point;
};

// s8 is flipped to u8 and its zero point raised.
struct Dequantizer {
  explicit Dequantizer(const ByteFormat& format)
      : scale(_mm256_set1_ps(format.scale)),
        zero_point(_mm256_set1_epi32(format.zero_point + (format.is_signed ? 128 : 0))),
        flip(_mm_set1_epi8(static_cast<char>(format.is_signed ? 0x80 : 0))) {}

  __m256 operator()(__m128i bytes) const {
    const __m256i q = _mm256_cvtepu8_epi32(_mm_xor_si128(bytes, flip));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(q, zero_point)), scale);
  }

  __m256 scale;
  __m256i zero_point;
  __m128i flip;
};

inline __m128i load8(const std::uint8_t* at) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
}
inline void store8(std::uint8_t* at, __m128i bytes) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(at), bytes);
}

// Blocks of eight; the last ones through a copy.
template <bool kMultiply, bool kOneB>
void combine(const CombineSpan& s) {
  const Dequantizer real_a(s.a_format), real_b(s.b_format);
  const Quantizer quantized(s.scale, s.zero_point, s.low, s.high);
  const __m256 only_b =
      kOneB && s.count > 0 ? real_b(_mm_set1_epi8(static_cast<char>(s.b[0]))) : _mm256_setzero_ps();
  const auto eight = [&](const std::uint8_t* at_a, const std::uint8_t* at_b) {
    const __m256 a = real_a(load8(at_a));
    const __m256 b = kOneB ? only_b : real_b(load8(at_b));
    return quantized(kMultiply ? _mm256_mul_ps(a, b) : _mm256_add_ps(a, b));
  };
  std::int64_t i = 0;
  for (; i + 8 <= s.count; i += 8) store8(s.out + i, eight(s.a + i, kOneB ? s.b : s.b + i));
  if (i == s.count) return;
  const auto left = static_cast<std::size_t>(s.count - i);
  std::uint8_t a[8] = {}, b[8] = {}, out[8];
  __builtin_memcpy(a, s.a + i, left);
  if (!kOneB) __builtin_memcpy(b, s.b + i, left);
  store8(out, eight(a, b));
  __builtin_memcpy(s.out + i, out, left);
}

}  // namespace

void quantize_avx2(const QuantizeSpan& s) {
  const Quantizer quantized(s.scale, s.zero_point, s.low, s.high);
  std::int64_t i = 0;
  for (; i + 8 <= s.count; i += 8) store8(s.out + i, quantized(_mm256_loadu_ps(s.x + i)));
  if (i == s.count) return;
  const auto left = static_cast<std::size_t>(s.count - i);
  float x[8] = {};
  std::uint8_t out[8];
  __builtin_memcpy(x, s.x + i, left * sizeof(float));
  store8(out, quantized(_mm256_loadu_ps(x)));
  __builtin_memcpy(s.out + i, out, left);
}

void dequantize_avx2(const DequantizeSpan& s) {
  const Dequantizer real(s.format);
  std::int64_t i = 0;
  for (; i + 8 <= s.count; i += 8) _mm256_storeu_ps(s.out + i, real(load8(s.q + i)));
  if (i == s.count) return;
  const auto left = static_cast<std::size_t>(s.count - i);
  std::uint8_t q[8] = {};
  float out[8];
  __builtin_memcpy(q, s.q + i, left);
  _mm256_storeu_ps(out, real(load8(q)));
  __builtin_memcpy(s.out + i, out, left * sizeof(float));
}

void combine_u8_avx2(const CombineSpan& s) {
  if (s.multiply)
    s.b_step == 0 ? combine<true, true>(s) : combine<true, false>(s);
  else
    s.b_step == 0 ? combine<false, true>(s) : combine<false, false>(s);
}

FloatRange range_avx2(const float* x, std::int64_t count) {
  // Four pairs of chains hide the latency. min(x, low): a NaN in the first operand gives the
  // second.
  constexpr int kChains = 4;
  __m256 low[kChains], high[kChains];
  for (int c = 0; c < kChains; ++c) low[c] = high[c] = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 8 * kChains <= count; i += 8 * kChains)
#pragma GCC unroll 4
    for (int c = 0; c < kChains; ++c) {
      const __m256 v = _mm256_loadu_ps(x + i + 8 * c);
      low[c] = _mm256_min_ps(v, low[c]);
      high[c] = _mm256_max_ps(v, high[c]);
    }
  FloatRange range{0, 0};
  for (int c = 0; c < kChains; ++c) {
    float lows[8], highs[8];
    _mm256_storeu_ps(lows, low[c]);
    _mm256_storeu_ps(highs, high[c]);
    for (int j = 0; j < 8; ++j) {
      range.low = lows[j] < range.low ? lows[j] : range.low;
      range.high = highs[j] > range.high ? highs[j] : range.high;
    }
  }
  for (; i < count; ++i) {
    range.low = x[i] < range.low ? x[i] : range.low;
    range.high = x[i] > range.high ? x[i] : range.high;
  }
  return range;
}

}  // namespace q8
