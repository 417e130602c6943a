#include <cmath>
#include <limits>

#include "calib/observers/density.h"

namespace q8 {
namespace {

// ∫ (x − round(x))² dx from 0 to x: 1/12 for each whole step, a third of the cube for the rest.
// Continuous at ties, so which way they round does not matter.
double rounding_integral(double x) {
  const auto nearest = static_cast<double>(static_cast<std::int64_t>(x < 0 ? x - 0.5 : x + 0.5));
  const double rest = x - nearest;
  return nearest / 12 + rest * rest * rest / 3;
}

double cube(double x) {
  return x * x * x;
}

// In units of the step: q from `low` to `high` exist.
struct Grid {
  double low, high;
  // Of the last end asked for: neighbouring bins share a border.
  double border = 0, border_integral = 0;

  double integral_from(double x) const {
    return x == border ? border_integral : rounding_integral(x);
  }
  double integral_to(double x) {
    border = x;
    return border_integral = rounding_integral(x);
  }

  // The mean error over values spread from a to b.
  ExpectedError over(double a, double b) {
    if (!(b - a > 1e-9 * (std::abs(a) + std::abs(b)))) return at(0.5 * (a + b));
    ExpectedError e;
    if (a >= low && b <= high) {
      const double before = integral_from(a);
      return {(integral_to(b) - before) / (b - a), 0};
    }
    if (a < low) e.clipping += (cube(low - a) - cube(low - std::min(b, low))) / 3;
    if (b > high) e.clipping += (cube(b - high) - cube(std::max(a, high) - high)) / 3;
    const double from = std::max(a, low), to = std::min(b, high);
    if (from < to) e.rounding = rounding_integral(to) - rounding_integral(from);
    return {e.rounding / (b - a), e.clipping / (b - a)};
  }

  ExpectedError at(double x) const {
    if (x < low) return {0, (low - x) * (low - x)};
    if (x > high) return {0, (x - high) * (x - high)};
    const double error = x - std::nearbyint(x);
    return {error * error, 0};
  }
};

}  // namespace

ScaleZeroPoint quant_params_of(Range range, const ObserverSettings& settings) {
  return settings.symmetric ? symmetric_params(range, settings.dtype)
                            : asymmetric_params(range, settings.dtype);
}

ExpectedError expected_error(const Density& density, Range range,
                             const ObserverSettings& settings) {
  if (density.count() == 0) return {};
  const ScaleZeroPoint params = quant_params_of(range, settings);
  const QuantLimits limits = quant_limits(settings.dtype);
  const double scale = params.scale;
  Grid grid{static_cast<double>(limits.min) - params.zero_point,
            static_cast<double>(limits.max) - params.zero_point};
  ExpectedError sum;
  for (const Density::Bin& bin : density.bins) {
    const ExpectedError e = grid.over(bin.low / scale, bin.high / scale);
    sum.rounding += bin.count * e.rounding;
    sum.clipping += bin.count * e.clipping;
  }
  const double unit = scale * scale / density.count();
  return {sum.rounding * unit, sum.clipping * unit};
}

ExpectedError expected_error(const TensorStatistics& statistics, Range range,
                             const ObserverSettings& settings) {
  return expected_error(density_of(statistics), range, settings);
}

double expected_sqnr_db(const TensorStatistics& statistics, Range range,
                        const ObserverSettings& settings) {
  const Density density = density_of(statistics);
  const double error = expected_error(density, range, settings).total();
  if (error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(density.mean_square() / error);
}

}  // namespace q8
