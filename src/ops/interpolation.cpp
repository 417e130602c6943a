#include "ops/interpolation.h"

#include <algorithm>
#include <cmath>

namespace q8 {
namespace {

// The position in the input that output position y stands for.
double source_position(std::int64_t output_index, const AxisResize& axis, const ResizeMode& mode) {
  const auto y = static_cast<double>(output_index);
  const auto input = static_cast<double>(axis.input);
  // May be fractional: ONNX does not round it here.
  const double length = axis.scale * input;
  const std::string& name = mode.coordinates;
  if (name == "half_pixel") return (y + 0.5) * axis.step - 0.5;
  if (name == "asymmetric") return y * axis.step;
  if (name == "align_corners") return length == 1 ? 0 : y * (input - 1) / (length - 1);
  if (name == "pytorch_half_pixel") return length > 1 ? (y + 0.5) * axis.step - 0.5 : 0;
  if (name == "tf_half_pixel_for_nn") return (y + 0.5) * axis.step;
  if (name == "half_pixel_symmetric") {
    const double adjustment = static_cast<double>(axis.output) / length;
    return input / 2 * (1 - adjustment) + (y + 0.5) * axis.step - 0.5;
  }
  if (name == "tf_crop_and_resize") {
    const double width = axis.roi_end - axis.roi_begin;
    const auto count = static_cast<double>(axis.output);
    return count > 1 ? axis.roi_begin * (input - 1) + y * width * (input - 1) / (count - 1)
                     : 0.5 * (axis.roi_begin + axis.roi_end) * (input - 1);
  }
  throw bad_input("attribute coordinate_transformation_mode has the unknown value '" + name + "'");
}

double nearest_position(double x, const AxisResize& axis, const std::string& rule) {
  if (rule == "round_prefer_floor") return std::ceil(x - 0.5);
  if (rule == "round_prefer_ceil") return std::floor(x + 0.5);
  if (rule == "floor") return std::floor(x);
  if (rule == "ceil") return std::ceil(x);
  if (rule == "simple") return axis.scale < 1 ? std::ceil(x) : std::floor(x);
  throw bad_input("attribute nearest_mode has the unknown value '" + rule + "'");
}

double linear_weight(double distance) {
  return std::max(0.0, 1 - std::abs(distance));
}

// Keys' cubic convolution with coefficient a.
double cubic_weight(double distance, double a) {
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

}  // namespace

std::vector<std::vector<Tap>> axis_taps(const AxisResize& axis, const ResizeMode& mode) {
  if (mode.mode != "nearest" && mode.mode != "linear" && mode.mode != "cubic")
    throw bad_input("attribute mode of Resize has the unknown value '" + mode.mode + "'");
  const bool cubic = mode.mode == "cubic";
  // Downsampling with antialias widens the kernel.
  const double shrink = mode.antialias ? std::min(axis.scale, 1.0) : 1.0;
  const double radius = (cubic ? 2 : 1) / shrink;
  const std::int64_t last = axis.input - 1;
  std::vector<std::vector<Tap>> taps(static_cast<std::size_t>(axis.output));
  for (std::int64_t y = 0; y < axis.output; ++y) {
    std::vector<Tap>& at = taps[static_cast<std::size_t>(y)];
    const double x = source_position(y, axis, mode);
    if (mode.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(last)))
      continue;
    if (mode.mode == "nearest") {
      const auto index = static_cast<std::int64_t>(nearest_position(x, axis, mode.nearest));
      at.push_back({std::clamp<std::int64_t>(index, 0, last), 1});
      continue;
    }
    double sum = 0;
    const auto first = static_cast<std::int64_t>(std::floor(x - radius)) + 1;
    const auto end = static_cast<std::int64_t>(std::ceil(x + radius));
    for (std::int64_t p = first; p < end; ++p) {
      if (mode.exclude_outside && (p < 0 || p > last)) continue;
      const double distance = (x - static_cast<double>(p)) * shrink;
      const double weight =
          cubic ? cubic_weight(distance, mode.cubic_coefficient) : linear_weight(distance);
      if (weight == 0) continue;
      at.push_back({std::clamp<std::int64_t>(p, 0, last), weight});
      sum += weight;
    }
    for (Tap& tap : at) tap.weight /= sum;
  }
  return taps;
}

}  // namespace q8
