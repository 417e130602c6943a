#include <algorithm>
#include <cstdio>

#include "calib/observers/error_curve.h"

namespace q8 {
namespace {

// The bulk: all non-zero values but the 1 % of largest magnitude.
constexpr double kBulkShare = 0.99;
// It is lost where quantization's error has more than this share of its energy (rounding all of it
// to zero would be 1).
constexpr double kLostEnergy = 0.8;
// Two groups of values, each with this share at least, are too far apart where the lower one has
// not even so many steps.
constexpr double kGroupShare = 0.01;
constexpr double kGroupSteps = 4;
constexpr double kGroupGap = 64;

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

std::vector<Density::Bin> by_magnitude(const Density& density) {
  std::vector<Density::Bin> bins = density.bins;
  std::sort(bins.begin(), bins.end(), [](const Density::Bin& a, const Density::Bin& b) {
    return std::max(-a.low, a.high) < std::max(-b.low, b.high);
  });
  return bins;
}

double largest(const Density::Bin& bin) {
  return std::max(-bin.low, bin.high);
}
double smallest(const Density::Bin& bin) {
  return std::max(0.0, bin.low > 0 ? bin.low : -bin.high);
}

}  // namespace

RangeVerdict judge_range(const TensorStatistics& statistics, Range range,
                         const ObserverSettings& settings) {
  if (statistics.negative_infinities > 0) return {false, "it holds -inf (an attention mask?)"};
  const Density density = density_of(statistics);
  if (density.bins.empty()) return {};
  const double step = quant_params_of(range, settings).scale;
  const std::vector<Density::Bin> bins = by_magnitude(density);

  Density bulk;
  std::size_t next = 0;
  for (; next < bins.size(); ++next) {
    if (!bulk.bins.empty() && bulk.nonzeros + bins[next].count > kBulkShare * density.nonzeros)
      break;
    bulk.bins.push_back(bins[next]);
    bulk.nonzeros += bins[next].count;
  }
  const double bulk_end = largest(bulk.bins.back());
  std::ranges::sort(bulk.bins, {}, &Density::Bin::low);
  if (ErrorCurve(bulk).at(range, settings).total() > kLostEnergy * bulk.mean_square())
    return {false, "99 % of its values are below " + number(bulk_end) +
                       " and would drown in a step of " + number(step)};

  double lower = 0;
  for (std::size_t i = 0; i + 1 < bins.size(); ++i) {
    lower += bins[i].count;
    if (largest(bins[i]) > kGroupSteps * step) break;
    if (lower < kGroupShare * density.nonzeros ||
        density.nonzeros - lower < kGroupShare * density.nonzeros)
      continue;
    if (smallest(bins[i + 1]) >= kGroupGap * largest(bins[i]))
      return {false, "its values are either below " + number(largest(bins[i])) + " or beyond " +
                         number(smallest(bins[i + 1])) + ", and a step of " + number(step) +
                         " loses the former (an attention mask?)"};
  }
  return {};
}

}  // namespace q8
