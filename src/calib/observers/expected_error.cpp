#include <algorithm>
#include <cmath>
#include <limits>

#include "calib/observers/density.h"
#include "calib/observers/error_curve.h"

namespace q8 {
namespace {

// Adding and taking away 1.5 · 2⁵² leaves the nearest integer, two numbers at a time.
double nearest(double x) {
  constexpr double kShift = 6755399441055744.0;
  return (x + kShift) - kShift;
}

// ∫ (x − round(x))² dx from 0 to x, less x / 12, which is what whole steps give. Continuous at
// ties, so which way they round does not matter.
double rounding_wave(double x) {
  const double rest = x - nearest(x);
  return rest * (rest * rest * (1.0 / 3) - 1.0 / 12);
}

double cube(double x) {
  return x * x * x;
}

}  // namespace

// The integers from `low` to `high`, in real numbers.
struct ErrorCurve::Steps {
  double low, high, step;

  // Count times the mean error over values spread from a to b.
  ExpectedError over(const Density::Bin& bin) const {
    const double a = bin.low, b = bin.high, rate = bin.count / (b - a);
    ExpectedError e;
    if (a < low) e.clipping += rate * (cube(low - a) - cube(low - std::min(b, low))) / 3;
    if (b > high) e.clipping += rate * (cube(b - high) - cube(std::max(a, high) - high)) / 3;
    const double from = std::max(a, low) / step, to = std::min(b, high) / step;
    if (from < to)
      e.rounding =
          rate * cube(step) * ((to - from) / 12 + (rounding_wave(to) - rounding_wave(from)));
    return e;
  }

  ExpectedError at(const Density::Bin& point) const {
    const double r = 0.5 * (point.low + point.high);
    const double outside = r < low ? low - r : r > high ? r - high : 0;
    if (outside > 0) return {0, point.count * outside * outside};
    const double rest = r / step - nearest(r / step);
    return {point.count * rest * rest * step * step, 0};
  }
};

ErrorCurve::ErrorCurve(const Density& density) : count_(density.count()) {
  for (const Density::Bin& bin : density.bins) {
    const bool is_wide = bin.high - bin.low > 1e-9 * (std::abs(bin.low) + std::abs(bin.high));
    (is_wide ? bins_ : points_).push_back(bin);
  }
  below_.resize(bins_.size() + 1);
  above_.resize(bins_.size() + 1);
  const auto plus = [](const Moments& m, const Density::Bin& bin) {
    const double first = 0.5 * (bin.low + bin.high);
    const double second = (bin.low * bin.low + bin.low * bin.high + bin.high * bin.high) / 3;
    return Moments{m.count + bin.count, m.first + bin.count * first, m.second + bin.count * second};
  };
  for (std::size_t i = 0; i < bins_.size(); ++i) below_[i + 1] = plus(below_[i], bins_[i]);
  for (std::size_t i = bins_.size(); i-- > 0;) above_[i] = plus(above_[i + 1], bins_[i]);
  for (const Density::Bin& bin : bins_) {
    const double rate = bin.count / (bin.high - bin.low);
    if (borders_.empty() || borders_.back() != bin.low) {
      borders_.push_back(bin.low);
      falls_.push_back(0);
    }
    low_border_.push_back(borders_.size() - 1);
    falls_.back() -= rate;
    borders_.push_back(bin.high);
    falls_.push_back(rate);
    high_border_.push_back(borders_.size() - 1);
  }
}

// Σ over the bins of count · mean of (r − round)², in units of the squared step. With W the wave,
// the bin from a to b gives count · (1/12 + (W(b) − W(a)) / (b − a)), and neighbours share borders.
double ErrorCurve::rounding_inside(std::size_t begin, std::size_t end, double step) const {
  if (begin >= end) return 0;
  const double per_step = 1 / step;
  const std::size_t first = low_border_[begin], last = high_border_[end - 1];
  const auto wave = [&](std::size_t border) { return rounding_wave(borders_[border] * per_step); };
  const auto rate = [&](const Density::Bin& bin) { return bin.count / (bin.high - bin.low); };
  // Four sums, so that the compiler may add several borders at a time without changing the order.
  double sums[4] = {};
  std::size_t i = first + 1;
  for (; i + 4 <= last; i += 4)
    for (std::size_t k = 0; k < 4; ++k) sums[k] += falls_[i + k] * wave(i + k);
  for (; i < last; ++i) sums[0] += falls_[i] * wave(i);
  const double inner = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const double ends = rate(bins_[end - 1]) * wave(last) - rate(bins_[begin]) * wave(first);
  return (below_[end].count - below_[begin].count) / 12 + step * (inner + ends);
}

ExpectedError ErrorCurve::at(Range range, const ObserverSettings& settings) const {
  if (count_ == 0) return {};
  const ScaleZeroPoint params = quant_params_of(range, settings);
  const QuantLimits limits = quant_limits(settings.dtype);
  const double step = params.scale;
  const Steps steps{.low = (static_cast<double>(limits.min) - params.zero_point) * step,
                    .high = (static_cast<double>(limits.max) - params.zero_point) * step,
                    .step = step};
  // Bins [inside, outside) lie within the range, at most one at each end partly.
  const auto inside = static_cast<std::size_t>(
      std::ranges::lower_bound(bins_, steps.low, {}, &Density::Bin::low) - bins_.begin());
  const auto outside = std::max(
      inside,
      static_cast<std::size_t>(
          std::ranges::upper_bound(bins_, steps.high, {}, &Density::Bin::high) - bins_.begin()));
  ExpectedError sum{.rounding = rounding_inside(inside, outside, step) * step * step};
  const auto add = [&](const ExpectedError& e) {
    sum.rounding += e.rounding;
    sum.clipping += e.clipping;
  };
  std::size_t below = inside, above = outside;
  if (below > 0 && bins_[below - 1].high > steps.low) add(steps.over(bins_[--below]));
  if (above < bins_.size() && bins_[above].low < steps.high) add(steps.over(bins_[above++]));
  sum.clipping += below_[below].around(steps.low) + above_[above].around(steps.high);
  for (const Density::Bin& point : points_) add(steps.at(point));
  // Differences of sums can fall below zero by what rounding leaves.
  return {std::max(0.0, sum.rounding) / count_, std::max(0.0, sum.clipping) / count_};
}

ScaleZeroPoint quant_params_of(Range range, const ObserverSettings& settings) {
  return settings.symmetric ? symmetric_params(range, settings.dtype)
                            : asymmetric_params(range, settings.dtype);
}

ExpectedError expected_error(const TensorStatistics& statistics, Range range,
                             const ObserverSettings& settings) {
  return ErrorCurve(density_of(statistics)).at(range, settings);
}

double expected_sqnr_db(const TensorStatistics& statistics, Range range,
                        const ObserverSettings& settings) {
  const Density density = density_of(statistics);
  const double error = ErrorCurve(density).at(range, settings).total();
  if (error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(density.mean_square() / error);
}

}  // namespace q8
