#include <cfloat>
#include <cmath>

#include "kernels/f32/statistics.h"

namespace q8 {

void summarize_f32_scalar(const float* values, std::size_t count, SummaryF32* summary) {
  SummaryF32 s{.minimum = FLT_MAX, .maximum = -FLT_MAX, .all_finite = true};
  for (std::size_t i = 0; i < count; ++i) {
    const float x = values[i];
    if (x < s.minimum) s.minimum = x;
    if (x > s.maximum) s.maximum = x;
    if (!std::isfinite(x)) s.all_finite = false;
  }
  *summary = s;
}

bool column_extrema_f32_scalar(const float* values, std::size_t rows, std::size_t columns,
                               float* minimum, float* maximum) {
  bool all_finite = true;
  for (std::size_t i = 0; i < rows; ++i, values += columns) {
    for (std::size_t j = 0; j < columns; ++j) {
      minimum[j] = values[j] < minimum[j] ? values[j] : minimum[j];
      maximum[j] = values[j] > maximum[j] ? values[j] : maximum[j];
      all_finite = all_finite && std::isfinite(values[j]);
    }
  }
  return all_finite;
}

BinsF32 find_bins_f32_scalar(const float* values, std::size_t count, float inverse_width,
                             std::int32_t* bins) {
  constexpr float kFar = 1 << 30;
  BinsF32 result{.found = 0, .lowest = 0, .highest = -1};
  for (std::size_t i = 0; i < count; ++i) {
    const float x = values[i], scaled = std::fabs(x) * inverse_width;
    // NaN is not below it either.
    const auto k = static_cast<std::int32_t>(scaled < kFar ? scaled : kFar);
    const std::int32_t bin = x < 0 ? -1 - k : k;
    bins[result.found] = bin;
    if (x == 0) continue;
    ++result.found;
    if (bin < result.lowest) result.lowest = bin;
    if (bin > result.highest) result.highest = bin;
  }
  return result;
}

}  // namespace q8
