#include "kernels/statistics_f32_rows.h"

namespace q8 {

std::span<const StatisticsF32Row> statistics_f32_rows() {
  static constexpr StatisticsF32Row kRows[] = {
      {"avx2", Isa::kAvx2, summarize_f32_avx2, column_extrema_f32_avx2, find_bins_f32_avx2},
      {"scalar", Isa::kScalar, summarize_f32_scalar, column_extrema_f32_scalar,
       find_bins_f32_scalar},
  };
  return kRows;
}

}  // namespace q8
