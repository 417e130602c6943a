#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv_geometry.h"
#include "kernels/interval.h"

namespace q8 {

// Which lines of its input a two-dimensional convolution reads.
struct LinesRead {
  explicit LinesRead(const ConvGeometry& g)
      : stride(g.stride[1]),
        pad(g.pad_begin[1]),
        count(g.dilation[1] * (g.kernel[1] - 1) + 1),
        input(g.input[1]),
        may_be_none(std::max(g.pad_begin[1], g.pad_end[1]) >= count) {}

  std::int64_t first_of(std::int64_t output) const { return output * stride - pad; }
  std::int64_t last_of(std::int64_t output) const { return first_of(output) + count - 1; }
  // How many lie between the first and the last that so many outputs read.
  std::int64_t span_of(std::int64_t outputs) const { return (outputs - 1) * stride + count; }
  // Those inside the image.
  Interval of(Interval outputs) const {
    const std::int64_t begin = std::clamp<std::int64_t>(first_of(outputs.begin), 0, input);
    return {begin, std::clamp<std::int64_t>(last_of(outputs.end - 1) + 1, begin, input)};
  }

  std::int64_t stride, pad, count, input;
  bool may_be_none;  // some outputs read nothing but padding
};

// The convolution of one image that makes these output lines of the one that g describes, from the
// input lines that they read.
inline ConvGeometry geometry_of_lines(const ConvGeometry& g, Interval outputs) {
  const LinesRead read(g);
  const Interval inputs = read.of(outputs);
  ConvGeometry some = g;
  some.batch = 1;
  some.input[1] = inputs.count();
  some.pad_begin[1] = inputs.begin - read.first_of(outputs.begin);
  some.pad_end[1] = read.last_of(outputs.end - 1) + 1 - inputs.end;
  return some;
}

}  // namespace q8
