#include "calib/weights.h"

#include <algorithm>
#include <cfloat>
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

class ScaleSearch {
 public:
  explicit ScaleSearch(const WeightSettings& settings)
      : dtype_(settings.dtype),
        levels_(settings.levels != 0 ? settings.levels : quant_limits(settings.dtype).max) {}

  float scale_of(double threshold) const {
    return symmetric_params({-threshold, threshold}, dtype_, levels_).scale;
  }

  // The threshold of least squared error.
  float best(const std::vector<float>& values, double largest) const {
    float best = scale_of(largest);
    if (largest == 0) return best;
    double least = squared_error(values, best);
    for (int i = 1; i < kThresholds; ++i) {
      const double fraction = 1 - (1 - kLeastFraction) * i / (kThresholds - 1);
      const float scale = scale_of(largest * fraction);
      const double error = squared_error(values, scale);
      if (!(error < least)) continue;
      least = error;
      best = scale;
    }
    return best;
  }

 private:
  double squared_error(const std::vector<float>& values, float scale) const {
    double sum = 0;
    const double high = levels_;
    // 4 bits cannot spare the lowest of their 16 values; in 8 bits it would cost runtimes more.
    const double low = dtype_ == DType::kS4 ? quant_limits(dtype_).min : -high;
    for (const float w : values) {
      const double q = std::clamp(static_cast<double>(round_half_even(w / scale)), low, high);
      const double error = static_cast<double>(w) - q * static_cast<double>(scale);
      sum += error * error;
    }
    return sum;
  }

  DType dtype_;
  std::int32_t levels_;
};

// Which scale belongs to which element: [outer, channels, inner], channels in blocks.
struct Places {
  std::int64_t outer = 1, channels = 1, inner = 1;
  std::int64_t block = 0, blocks = 1;

  Places(const Shape& shape, const QuantParams& params) : inner(shape.count()) {
    if (params.is_per_tensor()) return;
    outer = shape.count(0, params.axis);
    channels = shape[params.axis];
    inner = shape.count(params.axis + 1, shape.rank());
    block = params.block;
    blocks = params.is_blocked() ? params.scale_shape(shape)[params.axis] : 0;
  }

  // Calls function(scale index of the run's first element, step of it along the run, first element)
  // for the outer × channels runs of `inner` elements, as they lie in memory.
  template <typename Function>
  void for_each_run(Function&& function) const {
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t first = (o * channels + c) * inner;
        if (block > 0)
          function((o * blocks + c / block) * inner, std::int64_t{1}, first);
        else
          function(c, std::int64_t{0}, first);
      }
  }
};

}  // namespace

QuantParams weight_params(const Tensor& weights, const WeightSettings& settings) {
  if (!is_floating(weights.dtype()))
    throw bad_input("weights to quantize must be floats, but are " + weights.str());
  const Tensor floats = cast(weights, DType::kF32);
  const Shape& shape = floats.shape();
  QuantParams params{.dtype = settings.dtype, .axis = -1, .scale = {}, .zero_point = {}};
  if (settings.per_channel) {
    params.axis = static_cast<int>(shape.normalize_axis(settings.axis));
    params.block = settings.block;
  }
  const Places places(shape, params);
  const auto scales = static_cast<std::size_t>(params.scale_shape(shape).count());
  const float* values = floats.data<float>();
  std::vector<float> largest(scales, 0.0f);
  bool is_finite = true;
  places.for_each_run([&](std::int64_t scale, std::int64_t step, std::int64_t first) {
    float* at = largest.data() + scale;
    for (std::int64_t i = 0; i < places.inner; ++i) {
      const float magnitude = std::abs(values[first + i]);
      is_finite &= magnitude <= FLT_MAX;
      at[i * step] = std::max(at[i * step], magnitude);
    }
  });
  if (!is_finite)
    throw bad_input("weights " + weights.str() + " hold a value that is NaN or infinite");
  const ScaleSearch search(settings);
  std::vector<std::vector<float>> members;
  if (settings.observer == WeightObserver::kMse) {
    members.resize(scales);
    places.for_each_run([&](std::int64_t scale, std::int64_t step, std::int64_t first) {
      for (std::int64_t i = 0; i < places.inner; ++i)
        members[static_cast<std::size_t>(scale + i * step)].push_back(values[first + i]);
    });
  }
  for (std::size_t i = 0; i < scales; ++i)
    params.scale.push_back(members.empty() ? search.scale_of(largest[i])
                                           : search.best(members[i], largest[i]));
  params.zero_point.assign(scales, 0);
  return params;
}

Tensor quantize_weights(const Tensor& weights, const QuantParams& params, std::int32_t levels) {
  Tensor integers = quantize(weights, params);
  const bool is_unsigned = params.dtype == DType::kU8;
  if (!is_unsigned && params.dtype != DType::kS8) return integers;
  const std::int32_t middle = is_unsigned ? 128 : 0;
  if (std::ranges::any_of(params.zero_point, [&](std::int32_t zero) { return zero != middle; }))
    return integers;
  std::byte* bytes = integers.mutable_bytes();
  for (std::int64_t i = 0; i < integers.size(); ++i) {
    const auto q = std::to_integer<std::uint8_t>(bytes[i]);
    const std::int32_t real = is_unsigned ? q - middle : static_cast<std::int8_t>(q);
    bytes[i] = static_cast<std::byte>(std::clamp(real, -levels, levels) + middle);
  }
  return integers;
}

}  // namespace q8
