#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// What calibration asks of a block of floats. `minimum` and `maximum` (of −0 and +0 either) hold
// only where all values are finite; of no values: FLT_MAX, −FLT_MAX, true.
struct SummaryF32 {
  float minimum, maximum;
  bool all_finite;
};

void summarize_f32_scalar(const float* values, std::size_t count, SummaryF32* summary);
void summarize_f32_avx2(const float*, std::size_t, SummaryF32*);
void summarize_f32_avx512(const float*, std::size_t, SummaryF32*);

// For x [rows, columns], row-major: minimum[j] and maximum[j] (given, from earlier blocks) are
// widened by column j. False where a value is not finite: they hold nothing of use then.
bool column_extrema_f32_scalar(const float* values, std::size_t rows, std::size_t columns,
                               float* minimum, float* maximum);
bool column_extrema_f32_avx2(const float*, std::size_t, std::size_t, float*, float*);
bool column_extrema_f32_avx512(const float*, std::size_t, std::size_t, float*, float*);

struct BinsF32 {
  std::size_t found;             // values that are not zero
  std::int32_t lowest, highest;  // of their bins and of 0 (lowest), −1 (highest)
};

// The histogram's bins (calib/histogram.h) of the values that are not zero, in their order: k =
// trunc(|x| · inverse_width), written as k for x > 0 and −1 − k for x < 0. inverse_width is a power
// of two. `bins` has room for count + kBinSlack. Where a value is not finite or its k is 2^24 or
// more, lowest or highest lies beyond ±2^24 and the bins hold nothing of use.
BinsF32 find_bins_f32_scalar(const float* values, std::size_t count, float inverse_width,
                             std::int32_t* bins);
BinsF32 find_bins_f32_avx2(const float*, std::size_t, float, std::int32_t*);
BinsF32 find_bins_f32_avx512(const float*, std::size_t, float, std::int32_t*);

constexpr std::size_t kBinSlack = 16;

}  // namespace q8
