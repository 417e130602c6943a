#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/quantize_kernels.h"
#include "kernels/int8/requantize_pack_avx512.h"

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

// Sums and products, 64 at a time, where no quotient leaves the range of 16 bits.
// - Quotients are products with the reciprocal, at most three units in the last place off. Only
//   beside a half can that round otherwise: a block with one so near to it is divided truly.
// - Adding 1.5 · 2²³ rounds to a whole number, which then stands in the low 16 bits.
template <bool kMultiply, bool kOneB>
class BlockCombiner {
 public:
  explicit BlockCombiner(const CombineSpan& s)
      : a_(s.a_format),
        b_(s.b_format),
        divided_(s.scale),
        reciprocal_(_mm512_set1_ps(1.0f / s.scale)),
        packer_(s.zero_point, static_cast<float>(s.low - s.zero_point),
                static_cast<float>(s.high - s.zero_point)) {
    if (kOneB && s.count > 0)
      only_b_ = b_.template real<0>(b_.flipped(_mm512_set1_epi8(static_cast<char>(s.b[0]))));
  }

  static bool suits(const CombineSpan& s) {
    constexpr double kMost = 255, kLimit = 30000;
    const double a = kMost * s.a_format.scale, b = kMost * s.b_format.scale;
    return s.scale > 1e-20f && s.scale < 1e20f && (kMultiply ? a * b : a + b) < kLimit * s.scale;
  }

  __m512i operator()(__m512i a, __m512i b) const {
    a = a_.flipped(a);
    b = b_.flipped(b);
    const __m512 y0 = combined<0>(a, b), y1 = combined<1>(a, b), y2 = combined<2>(a, b),
                 y3 = combined<3>(a, b);
    const __m512 q0 = _mm512_mul_ps(y0, reciprocal_), q1 = _mm512_mul_ps(y1, reciprocal_),
                 q2 = _mm512_mul_ps(y2, reciprocal_), q3 = _mm512_mul_ps(y3, reciprocal_);
    const __m512 r0 = rounded(q0), r1 = rounded(q1), r2 = rounded(q2), r3 = rounded(q3);
    constexpr int kGreaterMagnitude = 0b1011;
    const __m512 off01 = _mm512_range_ps(off(q0, r0), off(q1, r1), kGreaterMagnitude);
    const __m512 off23 = _mm512_range_ps(off(q2, r2), off(q3, r3), kGreaterMagnitude);
    // Below 1024, beyond which all saturates, three units in the last place are less than 2⁻¹².
    const __m512 near_half = _mm512_set1_ps(0.5f - 1.0f / 4096);
    if (_mm512_cmp_ps_mask(_mm512_range_ps(off01, off23, kGreaterMagnitude), near_half,
                           _CMP_GE_OQ) == 0)
      return pack(r0, r1, r2, r3);
    return pack(rounded(divided_(y0)), rounded(divided_(y1)), rounded(divided_(y2)),
                rounded(divided_(y3)));
  }

 private:
  // 16 of 64 bytes to float(q − zero_point) · scale: a byte under the exponent of 2²³ is 2²³ + q.
  struct Spreader {
    explicit Spreader(const ByteFormat& format)
        : scale(_mm512_set1_ps(format.scale)),
          zero(_mm512_set1_ps(
              8388608.0f + static_cast<float>(format.zero_point + (format.is_signed ? 128 : 0)))),
          flip(_mm512_set1_epi8(static_cast<char>(format.is_signed ? 0x80 : 0))) {}

    __m512i flipped(__m512i bytes) const { return _mm512_xor_si512(bytes, flip); }
    // Parts 0 and 1: the even and the odd ones of each lane's first eight bytes; 2 and 3: of the
    // others.
    template <int kPart>
    __m512 real(__m512i bytes) const {
      constexpr int kFirst = kPart / 2 * 8 + kPart % 2;
      const __m512i from =
          _mm512_broadcast_i32x4(_mm_setr_epi32(kFirst, kFirst + 2, kFirst + 4, kFirst + 6));
      const __m512i spread =
          _mm512_mask_shuffle_epi8(_mm512_set1_epi32(0x4b000000), 0x1111111111111111u, bytes, from);
      return _mm512_mul_ps(_mm512_sub_ps(_mm512_castsi512_ps(spread), zero), scale);
    }

    __m512 scale, zero;
    __m512i flip;
  };

  static __m512 round_constant() { return _mm512_set1_ps(12582912.0f); }
  static __m512 rounded(__m512 q) { return _mm512_add_ps(q, round_constant()); }
  static __m512 off(__m512 q, __m512 r) {
    return _mm512_sub_ps(q, _mm512_sub_ps(r, round_constant()));
  }

  template <int kPart>
  __m512 combined(__m512i bytes_a, __m512i bytes_b) const {
    const __m512 a = a_.template real<kPart>(bytes_a);
    const __m512 b = kOneB ? only_b_ : b_.template real<kPart>(bytes_b);
    return kMultiply ? _mm512_mul_ps(a, b) : _mm512_add_ps(a, b);
  }

  __m512i pack(__m512 r0, __m512 r1, __m512 r2, __m512 r3) const {
    return packer_.pack_words(words(r0, r1), words(r2, r3));
  }
  static __m512i words(__m512 even, __m512 odd) {
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_castps_si512(even),
                                   _mm512_slli_epi32(_mm512_castps_si512(odd), 16));
  }

  Spreader a_, b_;
  Divider divided_;
  __m512 reciprocal_, only_b_ = _mm512_setzero_ps();
  BytePacker packer_;
};

template <bool kMultiply, bool kOneB>
void combine_blocks(const CombineSpan& s) {
  const BlockCombiner<kMultiply, kOneB> combined(s);
  std::int64_t i = 0;
  for (; i + 64 <= s.count; i += 64) {
    const __m512i a = _mm512_loadu_si512(s.a + i);
    const __m512i b = kOneB ? a : _mm512_loadu_si512(s.b + i);
    _mm512_storeu_si512(s.out + i, combined(a, b));
  }
  if (i == s.count) return;
  const __mmask64 mask = (__mmask64{1} << (s.count - i)) - 1;
  const __m512i a = _mm512_maskz_loadu_epi8(mask, s.a + i);
  const __m512i b = kOneB ? a : _mm512_maskz_loadu_epi8(mask, s.b + i);
  _mm512_mask_storeu_epi8(s.out + i, mask, combined(a, b));
}

template <bool kMultiply, bool kOneB>
void combine_any(const CombineSpan& s) {
  if (BlockCombiner<kMultiply, kOneB>::suits(s))
    combine_blocks<kMultiply, kOneB>(s);
  else
    combine<kMultiply, kOneB>(s);
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
    s.b_step == 0 ? combine_any<true, true>(s) : combine_any<true, false>(s);
  else
    s.b_step == 0 ? combine_any<false, true>(s) : combine_any<false, false>(s);
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
