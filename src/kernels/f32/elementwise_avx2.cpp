#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/f32/elementwise_kernels.h"

namespace q8 {
namespace {

struct V {
  __m256 low, high;
};

inline __m256i first_lanes(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline V set(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
inline V load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void store(float* p, V v) {
  _mm256_storeu_ps(p, v.low);
  _mm256_storeu_ps(p + 8, v.high);
}
inline __m256 load_part(const float* p, __m256i mask, float fill) {
  return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, mask),
                          _mm256_castsi256_ps(mask));
}
inline V load_first(const float* p, std::int64_t n, float fill) {
  return {load_part(p, first_lanes(n), fill), load_part(p + 8, first_lanes(n - 8), fill)};
}
inline void store_first(float* p, V v, std::int64_t n) {
  _mm256_maskstore_ps(p, first_lanes(n), v.low);
  _mm256_maskstore_ps(p + 8, first_lanes(n - 8), v.high);
}
inline V add(V a, V b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline V sub(V a, V b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
inline V mul(V a, V b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
inline V divide(V a, V b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
inline V fma(V a, V b, V c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline V square_root(V a) {
  return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)};
}
inline V larger(V a, V b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline V smaller(V a, V b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
inline V magnitude(V v) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, v.low), _mm256_andnot_ps(sign, v.high)};
}
inline V minus_magnitude(V v) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(sign, v.low), _mm256_or_ps(sign, v.high)};
}
inline V with_sign_of(V v, V sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  const V a = magnitude(v);
  return {_mm256_or_ps(a.low, _mm256_and_ps(bit, sign.low)),
          _mm256_or_ps(a.high, _mm256_and_ps(bit, sign.high))};
}
inline V where_less(V a, V b, V x, V y) {
  return {_mm256_blendv_ps(y.low, x.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.high, x.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
}
inline __m256 power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
inline __m256 times_power_of_two(__m256 v, __m256 n) {
  const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  return _mm256_mul_ps(_mm256_mul_ps(v, power_of_two(half)),
                       power_of_two(_mm256_sub_epi32(whole, half)));
}
inline V times_power_of_two(V v, V n) {
  return {times_power_of_two(v.low, n.low), times_power_of_two(v.high, n.high)};
}

inline float lanes_sum(V v) {
  const __m256 by8 = _mm256_add_ps(v.low, v.high);
  const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_add_ss(by2, _mm_shuffle_ps(by2, by2, 0x55)));
}
inline float lanes_max(V v) {
  const __m256 by8 = _mm256_max_ps(v.low, v.high);
  const __m128 by4 = _mm_max_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_max_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_max_ss(by2, _mm_shuffle_ps(by2, by2, 0x55)));
}

#include "kernels/f32/elementwise_formulas.h"

}  // namespace

constexpr ElementwiseF32Functions kElementwiseF32Avx2 = kFunctions;

}  // namespace q8
