#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/peak_u8s8_kernels.h"

namespace q8 {

std::int64_t spin_u8s8_avx512vnni(std::int64_t loops) {
  constexpr int kChains = 12;  // enough to hide the latency
  __m512i sum[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) {
    sum[i] = _mm512_setzero_si512();
    __asm__ volatile("" : "+v"(sum[i]));  // else all chains are one to the compiler
  }
  const __m512i one = _mm512_set1_epi8(1);
  for (std::int64_t loop = 0; loop < loops; ++loop) {
    __m512i a = one, b = one;
    // Hides the values from the compiler, which would else compute the loop itself.
    __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
  }
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) __asm__ volatile("" ::"v"(sum[i]));
  return loops * kChains * 2 * 64;
}

}  // namespace q8
