#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/peak_f32_kernels.h"

namespace q8 {

std::int64_t spin_f32_avx2(std::int64_t loops) {
  constexpr int kChains = 12;  // more than latency · throughput of any CPU
  __m256 acc[kChains];
  for (__m256& a : acc) a = _mm256_set1_ps(1.0f);
  __m256 x = _mm256_set1_ps(0.5f);
  for (std::int64_t i = 0; i < loops; ++i) {
    __asm__ volatile("" : "+v"(x));  // not a constant, so that nothing is computed beforehand
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) acc[c] = _mm256_fmadd_ps(acc[c], x, x);
  }
  for (__m256& a : acc) __asm__ volatile("" : : "v"(a));
  return loops * kChains * 8 * 2;
}

}  // namespace q8
