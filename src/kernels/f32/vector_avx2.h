#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// Vectors of 256 bits by the names that the loops of depthwise_f32_loops.h and winograd_f32_loops.h
// use; in an unnamed namespace, so that nothing of it is shared with files compiled for less.
//
//   V, kLanes                  a vector and its floats
//   zero(), set(x)
//   add, subtract, multiply, fma(a, b, c)  a·b + c rounded once
//   larger(a, b), smaller(a, b)  b where the comparison fails, so NaN in b stays
//   keep(v)                    tells the compiler not to load v again
//   Whole, Part                load(p) and store(p, v) of kLanes or of the first lanes
//   first_lanes(n)             the Part of n lanes

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
inline V subtract(V a, V b) {
  return _mm256_sub_ps(a, b);
}
inline V multiply(V a, V b) {
  return _mm256_mul_ps(a, b);
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

}  // namespace
}  // namespace q8
