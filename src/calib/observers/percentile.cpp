#include <algorithm>
#include <cmath>

#include "calib/observers/density.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// The value of a rank, counted from 0 and interpolated: values lie evenly in their bin.
double value_at(const Density& density, double rank) {
  double before = 0;
  bool zeros_passed = density.zeros == 0;
  for (const Density::Bin& bin : density.bins) {
    if (!zeros_passed && bin.low >= 0) {
      zeros_passed = true;
      if (rank < before + density.zeros) return 0;
      before += density.zeros;
    }
    if (rank < before + bin.count)
      return bin.low + (bin.high - bin.low) * std::min(1.0, (rank - before + 0.5) / bin.count);
    before += bin.count;
  }
  return density.bins.empty() || !zeros_passed ? 0 : density.bins.back().high;
}

// The same of magnitudes: the bins below zero are mirrored among the others.
Density of_magnitudes(const Density& density) {
  Density folded = density;
  for (Density::Bin& bin : folded.bins)
    if (bin.low < 0) bin = {.low = -bin.high, .high = -bin.low, .count = bin.count};
  std::sort(folded.bins.begin(), folded.bins.end(),
            [](const Density::Bin& a, const Density::Bin& b) { return a.low < b.low; });
  return folded;
}

}  // namespace

// Asymmetric: (100 − P)/2 percent left out at each end, or (100 − P) at the only one where all
// values have one sign. Symmetric: (100 − P) percent of the magnitudes.
Range observe_percentile(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Range full = full_range(statistics, settings);
  if (statistics.count == 0 || settings.percentile == 100) return full;
  const Density density = density_of(statistics);
  const double last = density.count() - 1;
  const double left_out = (100 - settings.percentile) / 100;
  if (settings.symmetric) {
    const double t = value_at(of_magnitudes(density), last * (1 - left_out));
    return clamp_to({-t, t}, full);
  }
  const bool two_sided = full.low < 0 && full.high > 0;
  const double at_an_end = two_sided ? left_out / 2 : left_out;
  return clamp_to({.low = value_at(density, last * at_an_end),
                   .high = value_at(density, last * (1 - at_an_end))},
                  full);
}

}  // namespace q8
