#include "calib/observers/density.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// How much more the error of clipping counts than that of rounding. Rounding errors have either
// sign and mostly cancel in the sums that follow; what is clipped has one, and adds up. Measured on
// ten models (docs/calibration.md): 4 is better than 1 by up to 0.9 dB and worse by up to 0.5.
constexpr double kClipWeight = 4;
// The same where what follows lives on the largest values.
constexpr double kTailWeight = 16;

}  // namespace

// Candidates are the rows of all the other observers and the range that is best by this measure; of
// equals the first, so min-max is left only for something better.
Range observe_auto(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Density density = density_of(statistics);
  const double clip_weight = settings.keep_tails ? kTailWeight : kClipWeight;
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
