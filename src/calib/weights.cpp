#include "calib/weights.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/rounding.h"

namespace q8 {
namespace {

// Fractions of the largest magnitude tried as thresholds: below 40 % clipping always costs more in
// 8 bits than rounding can gain (a Laplace channel's best is near 60 %).
constexpr int kThresholds = 61;
constexpr double kLeastFraction = 0.4;

float scale_of(double threshold, std::int32_t levels) {
  return symmetric_params({-threshold, threshold}, DType::kS8, levels).scale;
}

double squared_error(const std::vector<float>& values, float scale, double levels) {
  double sum = 0;
  for (const float w : values) {
    const double q = std::clamp(static_cast<double>(round_half_even(w / scale)), -levels, levels);
    const double error = static_cast<double>(w) - q * static_cast<double>(scale);
    sum += error * error;
  }
  return sum;
}

float best_scale(const std::vector<float>& values, double largest, const WeightSettings& settings) {
  const double levels = settings.levels == 0 ? 127 : settings.levels;
  float best = scale_of(largest, settings.levels);
  if (settings.observer == WeightObserver::kMinMax || largest == 0) return best;
  double least = squared_error(values, best, levels);
  for (int i = 1; i < kThresholds; ++i) {
    const double fraction = 1 - (1 - kLeastFraction) * i / (kThresholds - 1);
    const float scale = scale_of(largest * fraction, settings.levels);
    const double error = squared_error(values, scale, levels);
    if (!(error < least)) continue;
    least = error;
    best = scale;
  }
  return best;
}

}  // namespace

QuantParams weight_params(const Tensor& weights, const WeightSettings& settings) {
  if (!is_floating(weights.dtype()))
    throw bad_input("weights to quantize must be floats, but are " + weights.str());
  const Tensor floats = cast(weights, DType::kF32);
  const Shape& shape = floats.shape();
  QuantParams params{.dtype = DType::kS8, .axis = -1, .scale = {}, .zero_point = {}};
  std::int64_t outer = 1, channels = 1, inner = floats.size();
  if (settings.per_channel) {
    const std::int64_t axis = shape.normalize_axis(settings.axis);
    params.axis = static_cast<int>(axis);
    outer = shape.count(0, axis);
    channels = shape[axis];
    inner = shape.count(axis + 1, shape.rank());
  }
  std::vector<float> values;
  for (std::int64_t c = 0; c < channels; ++c) {
    values.clear();
    for (std::int64_t o = 0; o < outer; ++o) {
      const float* run = floats.data<float>() + (o * channels + c) * inner;
      values.insert(values.end(), run, run + inner);
    }
    double largest = 0;
    for (const float w : values) {
      if (!std::isfinite(w))
        throw bad_input("weights " + weights.str() + " hold a value that is NaN or infinite");
      largest = std::max(largest, std::abs(static_cast<double>(w)));
    }
    params.scale.push_back(best_scale(values, largest, settings));
    params.zero_point.push_back(0);
  }
  return params;
}

}  // namespace q8
