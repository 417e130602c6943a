#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/interpolation.h"
#include "ops/operator.h"

namespace q8 {

struct AxisTable {
  std::int64_t axis;
  std::vector<std::vector<Tap>> taps;  // by output position
};

// What an input becomes: its shape, and the axes that change, the last one first.
struct Resizing {
  Shape shape;
  std::vector<AxisTable> tables;
};

// What a Resize or Upsample node asks for, in any opset.
struct Resize {
  ResizeMode mode;
  float extrapolation_value = 0;
  std::vector<std::int64_t> axes;  // empty: all
  std::string aspect_ratio_policy = "stretch";
  std::vector<float> scales;  // Upsample 7
  std::size_t roi = kAbsent, scale_input = kAbsent, sizes = kAbsent;
  static constexpr std::size_t kAbsent = 100;  // an input that the opset does not have

  bool crops() const { return mode.coordinates == "tf_crop_and_resize"; }
  // Throws bad_input where scales, sizes or roi do not fit the shape.
  Resizing of(const RunContext& run, const Shape& x) const;

 private:
  std::vector<AxisResize> plan(const RunContext& run, const Shape& shape,
                               std::span<const std::int64_t> resized) const;
};

// Of a Resize; `first`: where its inputs behind x begin.
Resize read_resize(const NodeContext& context, std::size_t first);

}  // namespace q8
