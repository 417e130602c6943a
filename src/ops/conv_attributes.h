#pragma once

#include <span>

#include "ops/operator.h"
#include "ops/window.h"

namespace q8 {

// What a convolution node says, whatever its inputs are: the window attributes and `group`.
class ConvAttributes {
 public:
  explicit ConvAttributes(const NodeContext& node);  // channels last in the domain "q8"
  ConvAttributes(const Attributes& attributes, Layout layout);

  Layout layout() const { return layout_; }
  const WindowAttributes& window() const { return window_; }
  std::int64_t groups() const { return groups_; }
  // The kernel's dimensions; weights are [·, ·, kernel…].
  std::vector<std::int64_t> kernel(const Tensor& weights) const;

  // Without the input (batch 1, input 1, no padding).
  ConvGeometry with_channels(std::int64_t in, std::int64_t out,
                             std::span<const std::int64_t> kernel) const;
  // Conv, with weights [out_channels, in_channels / group, kernel…]: the same, and for an input.
  ConvGeometry weight_geometry(const Tensor& weights) const;
  ConvGeometry geometry(const Tensor& x, const Tensor& weights) const;

 private:
  WindowAttributes window_;
  std::int64_t groups_;
  Layout layout_;
};

// Those that begin with the prefix, without it: a fused node has the attributes of several.
Attributes with_prefix(const Attributes& attributes, std::string_view prefix);

// Throws bad_input where a bias is not float or double [channels].
void need_conv_bias(const Tensor& bias, const Tensor& weights, std::int64_t channels);

}  // namespace q8
