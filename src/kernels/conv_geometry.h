#pragma once

#include <array>
#include <cstdint>

namespace q8 {

// Three spatial dimensions: depth, height, width. A 2-D convolution has depth 1 (kernel 1, stride
// 1, no padding); a 1-D one also height 1.
using Spatial = std::array<std::int64_t, 3>;

inline std::int64_t product(const Spatial& s) {
  return s[0] * s[1] * s[2];
}

// What a convolution reads and writes, as ONNX Conv defines it. Tensors are NHWC (NDHWC): a pixel
// is a row of channels.
struct ConvGeometry {
  std::int64_t batch = 1;
  std::int64_t in_channels = 1, out_channels = 1, groups = 1;
  Spatial input = {1, 1, 1};
  Spatial kernel = {1, 1, 1};
  Spatial stride = {1, 1, 1};
  Spatial dilation = {1, 1, 1};
  Spatial pad_begin = {0, 0, 0}, pad_end = {0, 0, 0};

  // (input + pads − dilation·(kernel − 1) − 1) / stride + 1 in each dimension, rounded down; 0
  // where the kernel does not fit.
  Spatial output() const;

  std::int64_t taps() const { return product(kernel); }
  std::int64_t in_channels_per_group() const { return in_channels / groups; }
  std::int64_t out_channels_per_group() const { return out_channels / groups; }
  bool is_depthwise() const { return groups == in_channels && groups > 1; }
  // 1×1, stride 1, nothing padded: every output pixel reads the input pixel of its own index.
  bool is_pointwise() const;

  bool operator==(const ConvGeometry&) const = default;
};

// Throws bad_input, with what was found, where a count is below its least value (1; pads 0; batch
// and input dims 0) or groups does not divide the channels.
void validate(const ConvGeometry& geometry);

}  // namespace q8
