#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/f32/statistics.h"

namespace q8 {
namespace {

constexpr float kMax = 3.4028234663852886e38f;  // FLT_MAX

// The first `count` of 16 lanes.
__mmask16 first_lanes(std::size_t count) {
  return count >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << count) - 1);
}

// Whether all x were finite of whose products x · 0 the bits were joined: those are ±0 or NaN,
// whose exponent bits are all set, so no other bits but the sign can be.
bool all_finite(__m512i products) {
  const __m512 p = _mm512_castsi512_ps(products);
  return _mm512_cmp_ps_mask(p, p, _CMP_UNORD_Q) == 0;
}

__m512i with_product(__m512i products, __m512 x) {
  return _mm512_or_si512(products, _mm512_castps_si512(_mm512_mul_ps(x, _mm512_setzero_ps())));
}

}  // namespace

// Two accumulators of each kind. Lanes past the end read as one that changes nothing.
void summarize_f32_avx512(const float* values, std::size_t count, SummaryF32* summary) {
  __m512 low[2], high[2];
  __m512i products = _mm512_setzero_si512();
  for (int k = 0; k < 2; ++k) {
    low[k] = _mm512_set1_ps(kMax);
    high[k] = _mm512_set1_ps(-kMax);
  }
  const auto take = [&](int k, __m512 x, __mmask16 lanes) {
    low[k] = _mm512_mask_min_ps(low[k], lanes, x, low[k]);
    high[k] = _mm512_mask_max_ps(high[k], lanes, x, high[k]);
    products = with_product(products, x);
  };
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    take(0, _mm512_loadu_ps(values + i), __mmask16{0xffff});
    take(1, _mm512_loadu_ps(values + i + 16), __mmask16{0xffff});
  }
  for (; i < count; i += 16) {
    const __mmask16 lanes = first_lanes(count - i);
    take(0, _mm512_maskz_loadu_ps(lanes, values + i), lanes);
  }
  *summary = {.minimum = _mm512_reduce_min_ps(_mm512_min_ps(low[0], low[1])),
              .maximum = _mm512_reduce_max_ps(_mm512_max_ps(high[0], high[1])),
              .all_finite = all_finite(products)};
}

// What the caller will ask for next, a calibration piece (16 KB) ahead, is asked of the memory
// here: rows of some columns are no stream that the processor would see.
constexpr std::size_t kAhead = 4096;

// Four vectors of columns at a time: each minimum waits four cycles for the one before.
bool column_extrema_f32_avx512(const float* values, std::size_t rows, std::size_t columns,
                               float* minimum, float* maximum) {
  __m512i products = _mm512_setzero_si512();
  std::size_t j = 0;
  for (; j + 64 <= columns; j += 64) {
    __m512 low[4], high[4];
    for (int k = 0; k < 4; ++k) {
      low[k] = _mm512_loadu_ps(minimum + j + 16 * k);
      high[k] = _mm512_loadu_ps(maximum + j + 16 * k);
    }
    const float* x = values + j;
    for (std::size_t i = 0; i < rows; ++i, x += columns)
      for (int k = 0; k < 4; ++k) {
        const __m512 v = _mm512_loadu_ps(x + 16 * k);
        low[k] = _mm512_min_ps(v, low[k]);
        high[k] = _mm512_max_ps(v, high[k]);
        products = with_product(products, v);
      }
    for (int k = 0; k < 4; ++k) {
      _mm512_storeu_ps(minimum + j + 16 * k, low[k]);
      _mm512_storeu_ps(maximum + j + 16 * k, high[k]);
    }
  }
  for (; j < columns; j += 16) {
    const __mmask16 lanes = first_lanes(columns - j);
    __m512 low[2], high[2];
    low[0] = low[1] = _mm512_maskz_loadu_ps(lanes, minimum + j);
    high[0] = high[1] = _mm512_maskz_loadu_ps(lanes, maximum + j);
    const float* x = values + j;
    std::size_t i = 0;
    for (; i + 2 <= rows; i += 2, x += 2 * columns)
      for (std::size_t k = 0; k < 2; ++k) {
        const __m512 v = _mm512_maskz_loadu_ps(lanes, x + k * columns);
        low[k] = _mm512_min_ps(v, low[k]);
        high[k] = _mm512_max_ps(v, high[k]);
        products = with_product(products, v);
      }
    if (i < rows) {
      const __m512 v = _mm512_maskz_loadu_ps(lanes, x);
      low[0] = _mm512_min_ps(v, low[0]);
      high[0] = _mm512_max_ps(v, high[0]);
      products = with_product(products, v);
    }
    _mm512_mask_storeu_ps(minimum + j, lanes, _mm512_min_ps(low[0], low[1]));
    _mm512_mask_storeu_ps(maximum + j, lanes, _mm512_max_ps(high[0], high[1]));
  }
  return all_finite(products);
}

// Values that are zero are squeezed out in the register: vpcompressd to memory is slow on Zen 4.
// For x < 0 the bin is −1 − k: truncation gives −k, the sign bit spread over the lane the −1. What
// is not finite or far away truncates to INT32_MIN.
// The caller counts before it comes back, which leaves the memory idle: what it will ask for then
// is asked for here, a calibration piece (16 KB) ahead.
BinsF32 find_bins_f32_avx512(const float* values, std::size_t count, float inverse_width,
                             std::int32_t* bins) {
  constexpr std::size_t kAhead = 4096;
  const __m512 scale = _mm512_set1_ps(inverse_width), zero = _mm512_setzero_ps();
  __m512i lowest = _mm512_setzero_si512(), highest = _mm512_set1_epi32(-1);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += 16) {
    const __m512 x = count - i >= 16 ? _mm512_loadu_ps(values + i)
                                     : _mm512_maskz_loadu_ps(first_lanes(count - i), values + i);
    _mm_prefetch(reinterpret_cast<const char*>(values + i + kAhead), _MM_HINT_T0);
    const __m512i k = _mm512_cvttps_epi32(_mm512_mul_ps(x, scale));
    const __m512i bin = _mm512_add_epi32(k, _mm512_srai_epi32(_mm512_castps_si512(x), 31));
    const __mmask16 kept = _mm512_cmp_ps_mask(x, zero, _CMP_NEQ_UQ);
    lowest = _mm512_mask_min_epi32(lowest, kept, lowest, bin);
    highest = _mm512_mask_max_epi32(highest, kept, highest, bin);
    _mm512_storeu_si512(bins + found, _mm512_maskz_compress_epi32(kept, bin));
    found += static_cast<unsigned>(__builtin_popcount(kept));
  }
  return {.found = found,
          .lowest = _mm512_reduce_min_epi32(lowest),
          .highest = _mm512_reduce_max_epi32(highest)};
}

}  // namespace q8
