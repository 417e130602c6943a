#include "calib/observers/density.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// Where what follows lives on the largest values, clipping counts so many times more.
constexpr double kTailWeight = 4;

}  // namespace

// Candidates are the rows of all the other observers and the range that is best by this measure; of
// equals the first, so min-max is left only for something better.
Range observe_auto(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Density density = density_of(statistics);
  const double clip_weight = settings.clip_weight * (settings.keep_tails ? kTailWeight : 1);
  const auto cost = [&](Range range) {
    const ExpectedError e = expected_error(density, range, settings);
    return e.rounding + clip_weight * e.clipping;
  };
  Range best = observe_minmax(statistics, settings);
  double least = cost(best);
  const auto attempt = [&](Range range) {
    const double error = cost(range);
    if (!(error < least)) return;
    least = error;
    best = range;
  };
  for (const ObserverRow& row : observers())
    if (row.observe != observe_auto && row.observe != observe_mse)
      attempt(row.observe(statistics, settings));
  attempt(least_error_range(density, full_range(statistics, settings), settings, clip_weight));
  return best;
}

}  // namespace q8
