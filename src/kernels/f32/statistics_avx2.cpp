#include <immintrin.h>

#include "kernels/f32/statistics.h"

namespace q8 {
namespace {

constexpr float kMax = 3.4028234663852886e38f;  // FLT_MAX

float lane(__m256 v, int i) {
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, v);
  return lanes[i];
}

// Of sums (or) of products x · 0: ±0 or, where an x is not finite, NaN, whose exponent bits are all
// set: no other bits but the sign can be.
bool all_finite(__m256 products) {
  return _mm256_movemask_ps(_mm256_cmp_ps(products, products, _CMP_UNORD_Q)) == 0;
}

// For each mask of eight lanes: the kept ones moved to the front, and their number.
struct SqueezeTable {
  std::uint8_t order[256][8];
  std::uint8_t size[256];
  constexpr SqueezeTable() : order(), size() {
    for (int mask = 0; mask < 256; ++mask)
      for (int i = 0; i < 8; ++i)
        if ((mask >> i) & 1) order[mask][size[mask]++] = static_cast<std::uint8_t>(i);
  }
};
constexpr SqueezeTable kSqueeze;

}  // namespace

// Two accumulators of each kind: vminps has a latency of four cycles on some CPUs.
void summarize_f32_avx2(const float* values, std::size_t count, SummaryF32* summary) {
  const __m256 zero = _mm256_setzero_ps();
  __m256 low[2], high[2], product = zero;
  for (int k = 0; k < 2; ++k) {
    low[k] = _mm256_set1_ps(kMax);
    high[k] = _mm256_set1_ps(-kMax);
  }
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int k = 0; k < 2; ++k) {
      const __m256 x = _mm256_loadu_ps(values + i + 8 * k);
      low[k] = _mm256_min_ps(x, low[k]);
      high[k] = _mm256_max_ps(x, high[k]);
      product = _mm256_or_ps(product, _mm256_mul_ps(x, zero));
    }
  SummaryF32 s;
  summarize_f32_scalar(values + i, count - i, &s);
  const __m256 l = _mm256_min_ps(low[0], low[1]), h = _mm256_max_ps(high[0], high[1]);
  for (int k = 0; k < 8; ++k) {
    if (lane(l, k) < s.minimum) s.minimum = lane(l, k);
    if (lane(h, k) > s.maximum) s.maximum = lane(h, k);
  }
  s.all_finite = s.all_finite && all_finite(product);
  *summary = s;
}

bool column_extrema_f32_avx2(const float* values, std::size_t rows, std::size_t columns,
                             float* minimum, float* maximum) {
  const __m256 zero = _mm256_setzero_ps();
  __m256 product = zero;
  std::size_t j = 0;
  for (; j + 8 <= columns; j += 8) {
    __m256 low = _mm256_loadu_ps(minimum + j), high = _mm256_loadu_ps(maximum + j);
    const float* x = values + j;
    for (std::size_t i = 0; i < rows; ++i, x += columns) {
      const __m256 v = _mm256_loadu_ps(x);
      low = _mm256_min_ps(v, low);
      high = _mm256_max_ps(v, high);
      product = _mm256_or_ps(product, _mm256_mul_ps(v, zero));
    }
    _mm256_storeu_ps(minimum + j, low);
    _mm256_storeu_ps(maximum + j, high);
  }
  float rest = 0;  // NaN or a zero, as `product`
  for (; j < columns; ++j) {
    const float* x = values + j;
    for (std::size_t i = 0; i < rows; ++i, x += columns) {
      if (*x < minimum[j]) minimum[j] = *x;
      if (*x > maximum[j]) maximum[j] = *x;
      rest += *x * 0.0f;
    }
  }
  return all_finite(product) && rest == 0;
}

// Values that are zero are squeezed out by a permutation looked up by the mask of the others. For
// x < 0 the bin is −1 − k: truncation gives −k, the sign bit spread over the lane the −1. What is
// not finite or far away truncates to INT32_MIN.
BinsF32 find_bins_f32_avx2(const float* values, std::size_t count, float inverse_width,
                           std::int32_t* bins) {
  const __m256 scale = _mm256_set1_ps(inverse_width), zero = _mm256_setzero_ps();
  __m256i lowest = _mm256_setzero_si256(), highest = _mm256_set1_epi32(-1);
  std::size_t i = 0, found = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 x = _mm256_loadu_ps(values + i);
    const __m256i k = _mm256_cvttps_epi32(_mm256_mul_ps(x, scale));
    const __m256i bin = _mm256_add_epi32(k, _mm256_srai_epi32(_mm256_castps_si256(x), 31));
    const __m256 kept = _mm256_cmp_ps(x, zero, _CMP_NEQ_UQ);
    const __m256i kept_bits = _mm256_castps_si256(kept);
    lowest = _mm256_min_epi32(lowest, _mm256_and_si256(bin, kept_bits));
    highest = _mm256_max_epi32(
        highest, _mm256_or_si256(bin, _mm256_xor_si256(kept_bits, _mm256_set1_epi32(-1))));
    const int mask = _mm256_movemask_ps(kept);
    const __m256i order = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kSqueeze.order[mask])));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bins + found),
                        _mm256_permutevar8x32_epi32(bin, order));
    found += kSqueeze.size[mask];
  }
  BinsF32 result = find_bins_f32_scalar(values + i, count - i, inverse_width, bins + found);
  result.found += found;
  alignas(32) std::int32_t low[8], high[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(low), lowest);
  _mm256_store_si256(reinterpret_cast<__m256i*>(high), highest);
  for (int j = 0; j < 8; ++j) {
    if (low[j] < result.lowest) result.lowest = low[j];
    if (high[j] > result.highest) result.highest = high[j];
  }
  return result;
}

}  // namespace q8
