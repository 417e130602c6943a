#pragma once

#include <string>
#include <vector>

#include "ops/operator.h"

namespace q8 {

// How one axis is resized, as ONNX Resize defines it.
struct AxisResize {
  std::int64_t input = 1, output = 1;
  double scale = 1;
  // Input positions per output position; 1 / scale, but exact where the sizes are given.
  double step = 1;
  double roi_begin = 0, roi_end = 1;  // tf_crop_and_resize only
};

struct ResizeMode {
  std::string mode = "nearest";                // nearest, linear, cubic
  std::string coordinates = "half_pixel";      // coordinate_transformation_mode
  std::string nearest = "round_prefer_floor";  // or "simple": Upsample and Resize 10
  double cubic_coefficient = -0.75;
  bool antialias = false, exclude_outside = false;
};

// One input element with its weight.
struct Tap {
  std::int64_t index;
  double weight;
};

// For each output position of an axis the input elements it is made of; none where the position
// lies outside of the input and takes the extrapolation value. nearest gives one tap.
std::vector<std::vector<Tap>> axis_taps(const AxisResize& axis, const ResizeMode& mode);

}  // namespace q8
