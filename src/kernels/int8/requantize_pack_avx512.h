#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// For AVX-512 kernel files only; in an unnamed namespace, so that nothing of it is shared with
// files compiled for less.

namespace q8 {
namespace {

// clamp(rint(float(sum) · scale) + zero_point, low, high) with the clamping done by saturating
// packs: four vectors of sums to 64 bytes. Bytes of s8 are raised by 128 on the way and flipped
// back at the end.
class BytePacker {
 public:
  // low and high relative to zero_point.
  BytePacker(std::int32_t zero_point, float low, float high) {
    const int raise = low + static_cast<float>(zero_point) < 0 ? 128 : 0;
    const int raised = zero_point + raise;
    zero_point_ = _mm512_set1_epi16(static_cast<short>(raised));
    low_ = _mm512_set1_epi8(static_cast<char>(raised + static_cast<int>(low)));
    high_ = _mm512_set1_epi8(static_cast<char>(raised + static_cast<int>(high)));
    flip_ = _mm512_set1_epi8(static_cast<char>(raise));
  }

  // Whether the packs themselves clamp, and nothing is too great for an s32: u8 in its full range,
  // scales below 1. The usual case, for which the functions below have a shorter form.
  static bool is_plain(std::int32_t zero_point, float low, float high, __m512 scale0,
                       __m512 scale1) {
    const __m512 one = _mm512_set1_ps(1);
    return low == static_cast<float>(-zero_point) && high == static_cast<float>(255 - zero_point) &&
           _mm512_cmp_ps_mask(scale0, one, _CMP_LT_OQ) == 0xffff &&
           _mm512_cmp_ps_mask(scale1, one, _CMP_LT_OQ) == 0xffff;
  }

  template <bool kPlain = false>
  static __m512i rounded(__m512i sum, __m512 scale) {
    if (kPlain) return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale));
    // Only what is too great for an s32 needs a bound: cvtps gives −2³¹ for it, where a low one is
    // right.
    const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
    return _mm512_cvtps_epi32(_mm512_min_ps(y, _mm512_set1_ps(65536.0f)));
  }

  // Lane by lane: dword 4·lane + (0, 1, 2, 3) of the result are dwords 4·lane … + 3 of (a, b, c,
  // d).
  template <bool kPlain = false>
  __m512i pack(__m512i a, __m512i b, __m512i c, __m512i d) const {
    return pack_words<kPlain>(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
  }

  // The same of rounded values in s16. Lane by lane: all of ab, then all of cd.
  template <bool kPlain = false>
  __m512i pack_words(__m512i ab, __m512i cd) const {
    const __m512i q =
        _mm512_packus_epi16(_mm512_adds_epi16(ab, zero_point_), _mm512_adds_epi16(cd, zero_point_));
    if (kPlain) return q;
    return _mm512_xor_si512(_mm512_min_epu8(high_, _mm512_max_epu8(low_, q)), flip_);
  }

  // All of a, then all of b, c, d.
  template <bool kPlain = false>
  __m512i pack_in_order(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, pack<kPlain>(a, b, c, d));
  }

 private:
  __m512i zero_point_, low_, high_, flip_;
};

}  // namespace
}  // namespace q8
