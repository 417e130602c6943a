#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_f32_kernels.h"

namespace q8 {
namespace {

using V = __m512;
constexpr std::int64_t kLanes = 16;

inline V zero() {
  return _mm512_setzero_ps();
}
inline V set(float x) {
  return _mm512_set1_ps(x);
}
inline V add(V a, V b) {
  return _mm512_add_ps(a, b);
}
inline V fma(V a, V b, V c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline V larger(V a, V b) {
  return _mm512_max_ps(a, b);
}
inline V smaller(V a, V b) {
  return _mm512_min_ps(a, b);
}
inline V keep(V v) {
  __asm__("" : "+v"(v));
  return v;
}

struct Whole {
  V load(const float* p) const { return _mm512_loadu_ps(p); }
  void store(float* p, V v) const { _mm512_storeu_ps(p, v); }
};

struct Part {
  __mmask16 mask;
  V load(const float* p) const { return _mm512_maskz_loadu_ps(mask, p); }
  void store(float* p, V v) const { _mm512_mask_storeu_ps(p, mask, v); }
};

inline Part first_lanes(std::int64_t n) {
  return {static_cast<__mmask16>((1u << n) - 1u)};
}

#include "kernels/depthwise_f32_loops.h"

}  // namespace

void depthwise_f32_tile_avx512(const DepthwiseTileF32& t) {
  tile(t);
}

void depthwise_f32_line_avx512(const DepthwiseLineF32& t) {
  line<8>(t);  // 8 sums, 9 weights and a few more of 32 registers
}

}  // namespace q8
