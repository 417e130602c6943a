#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_f32_kernels.h"

namespace q8 {
namespace {

using V = __m256;
constexpr std::int64_t kLanes = 8;

inline V zero() {
  return _mm256_setzero_ps();
}
inline V set(float x) {
  return _mm256_set1_ps(x);
}
inline V add(V a, V b) {
  return _mm256_add_ps(a, b);
}
inline V fma(V a, V b, V c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline V larger(V a, V b) {
  return _mm256_max_ps(a, b);
}
inline V smaller(V a, V b) {
  return _mm256_min_ps(a, b);
}
inline V keep(V v) {
  __asm__("" : "+x"(v));
  return v;
}

struct Whole {
  V load(const float* p) const { return _mm256_loadu_ps(p); }
  void store(float* p, V v) const { _mm256_storeu_ps(p, v); }
};

struct Part {
  __m256i mask;
  V load(const float* p) const { return _mm256_maskload_ps(p, mask); }
  void store(float* p, V v) const { _mm256_maskstore_ps(p, mask, v); }
};

inline Part first_lanes(std::int64_t n) {
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                             _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))};
}

#include "kernels/depthwise_f32_loops.h"

}  // namespace

void depthwise_f32_tile_avx2(const DepthwiseTileF32& t) {
  tile(t);
}

void depthwise_f32_line_avx2(const DepthwiseLineF32& t) {
  line<4>(t);  // 4 sums and 9 weights of 16 registers
}

}  // namespace q8
