#include "calib/observers/error_curve.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// Where what follows lives on the largest values, clipping counts so many times more.
constexpr double kTailWeight = 4;

}  // namespace

std::vector<std::string_view> offering_observers() {
  std::vector<std::string_view> names;
  for (const ObserverRow& row : observers())
    if (row.observe != observe_auto && row.observe != observe_mse) names.push_back(row.name);
  return names;
}

// Candidates are the offers and the range that is best by this measure; of equals the first, so
// min-max is left only for something better.
Range least_expected_error(const TensorStatistics& statistics, const ObserverSettings& settings,
                           std::span<const Range> offers) {
  const ErrorCurve curve(density_of(statistics));
  const double clip_weight = settings.clip_weight * (settings.keep_tails ? kTailWeight : 1);
  const auto cost = [&](Range range) {
    const ExpectedError e = curve.at(range, settings);
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
  for (const Range& range : offers) attempt(range);
  attempt(least_error_range(curve, full_range(statistics, settings), settings, clip_weight));
  return best;
}

Range observe_auto(const TensorStatistics& statistics, const ObserverSettings& settings) {
  std::vector<Range> offers;
  for (const std::string_view name : offering_observers())
    offers.push_back(find_observer(name).observe(statistics, settings));
  return least_expected_error(statistics, settings, offers);
}

}  // namespace q8
