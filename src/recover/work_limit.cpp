#include "recover/work_limit.h"

#include <algorithm>

namespace q8 {

std::size_t runs_within(double values, const CalibrationProfile& profile) {
  double seen = 0;
  for (const TensorStatistics& tensor : profile.tensors) seen += static_cast<double>(tensor.count);
  const double samples = std::max(1.0, static_cast<double>(profile.samples.size()));
  return static_cast<std::size_t>(std::min(1e6, values * samples / std::max(seen, 1.0)));
}

}  // namespace q8
