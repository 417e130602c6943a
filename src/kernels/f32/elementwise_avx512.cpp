#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/f32/elementwise_kernels.h"

namespace q8 {
namespace {

using V = __m512;

inline __mmask16 first_lanes(std::int64_t n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}
inline V set(float x) {
  return _mm512_set1_ps(x);
}
inline V load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, V v) {
  _mm512_storeu_ps(p, v);
}
inline V load_first(const float* p, std::int64_t n, float fill) {
  return _mm512_mask_loadu_ps(set(fill), first_lanes(n), p);
}
inline void store_first(float* p, V v, std::int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
inline V add(V a, V b) {
  return _mm512_add_ps(a, b);
}
inline V sub(V a, V b) {
  return _mm512_sub_ps(a, b);
}
inline V mul(V a, V b) {
  return _mm512_mul_ps(a, b);
}
inline V divide(V a, V b) {
  return _mm512_div_ps(a, b);
}
inline V fma(V a, V b, V c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline V square_root(V a) {
  return _mm512_sqrt_ps(a);
}
inline V larger(V a, V b) {
  return _mm512_max_ps(a, b);
}
inline V smaller(V a, V b) {
  return _mm512_min_ps(a, b);
}
inline V magnitude(V v) {
  return _mm512_andnot_ps(set(-0.0f), v);
}
inline V minus_magnitude(V v) {
  return _mm512_or_ps(set(-0.0f), v);
}
inline V with_sign_of(V v, V sign) {
  return _mm512_or_ps(magnitude(v), _mm512_and_ps(set(-0.0f), sign));
}
inline V where_less(V a, V b, V x, V y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
inline V times_power_of_two(V v, V n) {
  return _mm512_scalef_ps(v, n);
}

template <typename Join4>
inline float join_lanes(V v, Join4 join) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
  const __m512 by8 = join(v, _mm512_castps256_ps512(high));
  const __m512 by4 = join(by8, _mm512_castps128_ps512(_mm512_extractf32x4_ps(by8, 1)));
  const __m128 four = _mm512_castps512_ps128(by4);
  const __m512 by2 = join(by4, _mm512_castps128_ps512(_mm_movehl_ps(four, four)));
  const __m128 two = _mm512_castps512_ps128(by2);
  return _mm512_cvtss_f32(join(by2, _mm512_castps128_ps512(_mm_shuffle_ps(two, two, 0x55))));
}
inline float lanes_sum(V v) {
  return join_lanes(v, [](V a, V b) { return add(a, b); });
}
inline float lanes_max(V v) {
  return join_lanes(v, [](V a, V b) { return larger(a, b); });
}

#include "kernels/f32/elementwise_formulas.h"

}  // namespace

constexpr ElementwiseF32Functions kElementwiseF32Avx512 = kFunctions;

}  // namespace q8
