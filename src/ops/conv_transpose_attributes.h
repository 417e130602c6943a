#pragma once

#include <vector>

#include "ops/conv_attributes.h"

namespace q8 {

struct ConvTransposePlace {
  ConvGeometry geometry;
  Spatial output;
};

// What a ConvTranspose node says, whatever its inputs are. Weights are [in_channels, out_channels /
// group, kernel…].
class ConvTransposeAttributes {
 public:
  explicit ConvTransposeAttributes(const NodeContext& node);  // channels last in the domain "q8"
  ConvTransposeAttributes(const Attributes& attributes, Layout layout);

  Layout layout() const { return attributes_.layout(); }
  // Channels, groups, kernel, stride and dilation.
  ConvGeometry weight_geometry(const Tensor& weights) const;
  // Padding and output size as the operator's specification derives them from output_shape,
  // auto_pad or pads.
  ConvTransposePlace place(const Tensor& x, const Tensor& weights) const;

 private:
  ConvAttributes attributes_;
  std::vector<std::int64_t> output_padding_, output_shape_;
};

}  // namespace q8
