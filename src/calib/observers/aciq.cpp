#include <cmath>

#include "calib/observers/error_curve.h"
#include "calib/observers/exact_log.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

struct Moments {
  double center = 0;     // mean of the values that are not zero; 0 where they have one sign
  double spread = 0;     // root of their mean square around it
  double deviation = 0;  // their mean absolute distance from it
};

Moments moments_of(const Density& density, bool around_zero) {
  Moments m;
  const auto mean = [&](auto&& function) {
    double sum = 0;
    for (const Density::Bin& bin : density.bins)
      sum += bin.count * function(0.5 * (bin.low + bin.high));
    return sum / density.nonzeros;
  };
  if (!around_zero) m.center = mean([](double r) { return r; });
  m.spread = std::sqrt(mean([&](double r) { return (r - m.center) * (r - m.center); }));
  m.deviation = mean([&](double r) { return std::abs(r - m.center); });
  return m;
}

// Where d/dα of 2 b² e^(−α/b) + α² / (c · 4^bits) is 0, in units of b: α = ln(c · 4^bits / α).
double laplace_threshold(double c, int bits) {
  double alpha = 10;
  for (int i = 0; i < 30; ++i) alpha = exact_log(c * std::ldexp(1.0, 2 * bits) / alpha);
  return alpha;
}

// The same for the normal distribution in units of σ: the root of φ(α) − α (1 − Φ(α)) =
// α / (2 c · 4^bits), computed with SciPy's brentq (norm.pdf, norm.sf).
double normal_threshold(bool one_sided, int bits) {
  if (bits > 8) return one_sided ? 6.150937832464548 : 5.938248084612094;
  return one_sided ? 4.216329825704216 : 3.9240354898807905;
}

}  // namespace

// R. Banner et al., Post-training 4-bit quantization of convolution networks (arXiv 1810.05723):
// the clip that is best for a normal and for a Laplace distribution of the measured spread. Of the
// two the one that has the lesser expected error on the histogram is taken. Values of one sign are
// taken as half of a distribution around zero: the same clip with half the step, so c is 12 for 3.
Range observe_aciq(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Range full = full_range(statistics, settings);
  const Density density = density_of(statistics);
  if (density.bins.empty()) return full;
  const bool one_sided = !settings.symmetric && (full.low == 0 || full.high == 0);
  const QuantLimits limits = quant_limits(settings.dtype);
  const int bits = limits.max - limits.min > 255 ? 16 : 8;
  const Moments m = moments_of(density, settings.symmetric || one_sided);
  const ErrorCurve curve(density);
  Range best = full;
  double least = -1;
  for (const double reach : {m.spread * normal_threshold(one_sided, bits),
                             m.deviation * laplace_threshold(one_sided ? 12 : 3, bits)}) {
    const Range range = clamp_to({m.center - reach, m.center + reach}, full);
    const double error = curve.at(range, settings).total();
    if (least >= 0 && error >= least) continue;
    least = error;
    best = range;
  }
  return best;
}

}  // namespace q8
