#include "calib/observers/density.h"

#include <algorithm>
#include <cmath>

namespace q8 {

Density density_of(const TensorStatistics& statistics) {
  Density density;
  density.zeros = static_cast<double>(statistics.zeros);
  const Histogram& histogram = statistics.histogram;
  const double width = histogram.bin_width();
  const auto counts = histogram.counts();
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] == 0) continue;
    const double edge = histogram.lower_edge(j), count = static_cast<double>(counts[j]);
    density.bins.push_back(
        {.low = std::max(edge, static_cast<double>(statistics.extrema.minimum)),
         .high = std::min(edge + width, static_cast<double>(statistics.extrema.maximum)),
         .count = count});
    density.nonzeros += count;
  }
  return density;
}

double Density::mean_square() const {
  double sum = 0;
  for (const Bin& bin : bins)
    sum += bin.count * (bin.low * bin.low + bin.low * bin.high + bin.high * bin.high) / 3;
  return count() > 0 ? sum / count() : 0;
}

Range full_range(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Range range = statistics.extrema.range();
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  if (!settings.symmetric) return {low, high};
  const double t = std::max(-low, high);
  return {-t, t};
}

Range clamp_to(Range range, Range full) {
  return {std::clamp(range.low, full.low, 0.0), std::clamp(range.high, 0.0, full.high)};
}

}  // namespace q8
