#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/peak_u8s8_kernels.h"

namespace q8 {

std::int64_t spin_u8s8_avx2(std::int64_t loops) {
  constexpr int kChains = 12;  // enough to hide the latency
  __m256i sum[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) {
    sum[i] = _mm256_setzero_si256();
    __asm__ volatile("" : "+x"(sum[i]));  // else all chains are one to the compiler
  }
  const __m256i one = _mm256_set1_epi8(1);
  for (std::int64_t loop = 0; loop < loops; ++loop) {
    __m256i a = one, b = one;
    // Hides the values from the compiler, which would else compute the loop itself.
    __asm__ volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      __asm__ volatile("" : "+x"(b));  // else one product would do for all chains
      sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(a, b));
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) __asm__ volatile("" ::"x"(sum[i]));
  return loops * kChains * 2 * 16;
}

}  // namespace q8
