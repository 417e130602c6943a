#pragma once

#include <string>
#include <vector>

#include "graph/attribute.h"
#include "kernels/conv_geometry.h"
#include "tensor/shape.h"

namespace q8 {

// Where the channels of a tensor with spatial axes stand: [N, C, spatial …] as ONNX has it, or
// [N, spatial …, C], as the operators of the internal domain "q8" have it.
enum class Layout { kChannelsFirst, kChannelsLast };
// What the attribute channels_last of those says.
Layout layout_of(const Attributes& attributes);

// A tensor of one to three spatial axes, with leading ones where there are fewer.
struct ImageDims {
  std::int64_t batch = 1, channels = 1;
  Spatial size = {1, 1, 1};
  std::int64_t spatial_rank = 2;
};

// Throws unsupported for more than three spatial axes, bad_input for none.
ImageDims image_dims(const Shape& shape, Layout layout);
// The inverse.
Shape image_shape(const ImageDims& dims, Layout layout);

// A window at work on an input of a known size: what ConvGeometry has, without channels.
struct Window {
  Spatial input = {1, 1, 1};
  Spatial kernel = {1, 1, 1};
  Spatial stride = {1, 1, 1};
  Spatial dilation = {1, 1, 1};
  Spatial pad_begin = {0, 0, 0}, pad_end = {0, 0, 0};
  Spatial output = {1, 1, 1};
};

// A pool as a convolution with one filter a channel. Its padding ends where the last window does:
// with ceil_mode behind the padding of the window, or before its end.
ConvGeometry pool_geometry(const ImageDims& image, const Window& window);

// The attributes kernel_shape, strides, dilations, pads, auto_pad and ceil_mode, which convolutions
// and pools share.
class WindowAttributes {
 public:
  WindowAttributes() = default;
  explicit WindowAttributes(const Attributes& attributes);

  // kernel_shape, else `fallback` (the spatial dimensions of a convolution's weights); their number
  // is the number of spatial axes. Throws bad_input where another attribute has not as many.
  std::vector<std::int64_t> kernel(std::span<const std::int64_t> fallback = {}) const;

  // Sizes as ONNX Conv and the pools define them: floor((input + pads − extent) / stride) + 1, or
  // rounded up with ceil_mode, but for windows that would start in the padding behind the input.
  // Throws bad_input where the input is smaller than one window; an empty one gives no output.
  Window at(const ImageDims& image, std::span<const std::int64_t> kernel) const;

  // Whether pads depend on the size of the input.
  bool is_same() const { return auto_pad_ == "SAME_UPPER" || auto_pad_ == "SAME_LOWER"; }
  bool extra_pad_at_begin() const { return auto_pad_ == "SAME_LOWER"; }
  bool is_valid() const { return auto_pad_ == "VALID"; }
  // Without auto_pad and input size: the axes' numbers, with leading defaults.
  Window fixed(std::span<const std::int64_t> kernel) const;

 private:
  std::string auto_pad_ = "NOTSET";
  bool ceil_mode_ = false;
  std::vector<std::int64_t> kernel_, strides_, dilations_, pads_;
};

}  // namespace q8
