#include <algorithm>

#include "calib/observers/density.h"
#include "calib/observers/rows.h"

namespace q8 {

// What the moving averages of other tools tend to: theirs depend on the order of the samples, the
// mean (here over the samples that the profile keeps) does not.
Range observe_average(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Range full = full_range(statistics, settings);
  double low = 0, high = 0, samples = 0;
  for (const Extrema& sample : statistics.samples) {
    if (sample.empty()) continue;
    const double l = std::min(0.0, static_cast<double>(sample.minimum));
    const double h = std::max(0.0, static_cast<double>(sample.maximum));
    low += settings.symmetric ? -std::max(-l, h) : l;
    high += settings.symmetric ? std::max(-l, h) : h;
    ++samples;
  }
  return samples == 0 ? full : clamp_to({low / samples, high / samples}, full);
}

}  // namespace q8
