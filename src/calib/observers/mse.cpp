#include <cmath>

#include "calib/observers/error_curve.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// Thresholds tried, one after the other inwards: each 2 % below the last …
constexpr double kShrink = 0.98;
// … until 1/2048 of the range, where no bin is left to tell them apart. Then the best one's
// neighbourhood is searched closer.
constexpr int kSteps = 380;
constexpr int kRefinements = 12;
// Both ends in turn: ends hardly depend on each other, two rounds settle all but a rounding step.
constexpr int kRounds = 2;

struct Search {
  const ErrorCurve& curve;
  const ObserverSettings& settings;
  double clip_weight;
  double best_error;
  Range best;

  // What the range costs; `clipped` is the part that only grows while a range shrinks.
  double cost(Range range, double& clipped) const {
    const ExpectedError e = curve.at(range, settings);
    clipped = clip_weight * e.clipping;
    return e.rounding + clipped;
  }

  bool attempt(Range range, double& clipped) {
    const double error = cost(range, clipped);
    if (!(error < best_error)) return false;
    best_error = error;
    best = range;
    return true;
  }

  // Tries range_of(t) for t from 1 inwards, then around the best t.
  template <typename RangeOf>
  void scan(RangeOf&& range_of) {
    double t = 1, best_t = 1, clipped = 0;
    for (int step = 0; step < kSteps; ++step, t *= kShrink) {
      if (attempt(range_of(t), clipped)) best_t = t;
      if (clipped > best_error) break;
    }
    double reach = 1 - kShrink;
    for (int i = 0; i < kRefinements; ++i) {
      reach /= 2;
      for (const double factor : {1 - reach, 1 + reach}) {
        const double near = std::min(1.0, best_t * factor);
        if (attempt(range_of(near), clipped)) {
          best_t = near;
          break;
        }
      }
    }
  }
};

}  // namespace

Range least_error_range(const ErrorCurve& curve, Range full, const ObserverSettings& settings,
                        double clip_weight) {
  if (full.low == full.high) return full;
  Search search{.curve = curve,
                .settings = settings,
                .clip_weight = clip_weight,
                .best_error = 0,
                .best = full};
  double clipped = 0;
  search.best_error = search.cost(full, clipped);
  search.scan([&](double t) { return Range{t * full.low, t * full.high}; });
  if (settings.symmetric || full.low == 0 || full.high == 0) return search.best;
  for (int round = 0; round < kRounds; ++round) {
    const double high = search.best.high;
    search.scan([&](double t) { return Range{t * full.low, high}; });
    const double low = search.best.low;
    search.scan([&](double t) { return Range{low, t * full.high}; });
  }
  return search.best;
}

Range observe_mse(const TensorStatistics& statistics, const ObserverSettings& settings) {
  return least_error_range(ErrorCurve(density_of(statistics)), full_range(statistics, settings),
                           settings, 1);
}

}  // namespace q8
