#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// For AVX2 kernel files only; in an unnamed namespace, so that nothing of it is shared with files
// compiled for less.

namespace q8 {
namespace {

// clamp(rint(float(sum) · scale) + zero_point, low, high) with the clamping done by saturating
// packs: four vectors of sums to 32 bytes. Bytes of s8 are raised by 128 on the way and flipped
// back at the end.
class BytePacker {
 public:
  // low and high relative to zero_point.
  BytePacker(std::int32_t zero_point, float low, float high) {
    const int raise = low + static_cast<float>(zero_point) < 0 ? 128 : 0;
    const int raised = zero_point + raise;
    zero_point_ = _mm256_set1_epi16(static_cast<short>(raised));
    low_ = _mm256_set1_epi8(static_cast<char>(raised + static_cast<int>(low)));
    high_ = _mm256_set1_epi8(static_cast<char>(raised + static_cast<int>(high)));
    flip_ = _mm256_set1_epi8(static_cast<char>(raise));
  }

  // Only what is too great for an s32 needs a bound: cvtps gives −2³¹ for it, where a low one is
  // right.
  static __m256i rounded(__m256i sum, __m256 scale) {
    const __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale);
    return _mm256_cvtps_epi32(_mm256_min_ps(y, _mm256_set1_ps(65536.0f)));
  }

  // Lane by lane: dword 4·lane + (0, 1, 2, 3) of the result are dwords 4·lane … + 3 of (a, b, c,
  // d).
  __m256i pack(__m256i a, __m256i b, __m256i c, __m256i d) const {
    const __m256i q = _mm256_packus_epi16(_mm256_adds_epi16(_mm256_packs_epi32(a, b), zero_point_),
                                          _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero_point_));
    return _mm256_xor_si256(_mm256_min_epu8(high_, _mm256_max_epu8(low_, q)), flip_);
  }

  // All of a, then all of b, c, d.
  __m256i pack_in_order(__m256i a, __m256i b, __m256i c, __m256i d) const {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(pack(a, b, c, d), order);
  }

 private:
  __m256i zero_point_, low_, high_, flip_;
};

}  // namespace
}  // namespace q8
