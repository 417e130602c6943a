#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/f32/statistics.h"

namespace q8 {

// What calibration statistics are made with; all rows give the same values.
struct StatisticsF32Row {
  const char* name;
  Isa isa;
  void (*summarize)(const float*, std::size_t, SummaryF32*);
  bool (*column_extrema)(const float*, std::size_t, std::size_t, float*, float*);
  BinsF32 (*find_bins)(const float*, std::size_t, float, std::int32_t*);
};

// Best first, the last is scalar.
std::span<const StatisticsF32Row> statistics_f32_rows();

}  // namespace q8
