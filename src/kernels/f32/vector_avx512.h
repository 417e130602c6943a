#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// Vectors of 512 bits by the names that the loops of depthwise_f32_loops.h and winograd_f32_loops.h
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
inline V subtract(V a, V b) {
  return _mm512_sub_ps(a, b);
}
inline V multiply(V a, V b) {
  return _mm512_mul_ps(a, b);
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

}  // namespace
}  // namespace q8
