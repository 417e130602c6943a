#include "ops/conv_transpose_attributes.h"

#include <algorithm>

#include "ops/channel_layout.h"

namespace q8 {

ConvTransposeAttributes::ConvTransposeAttributes(const NodeContext& node)
    : attributes_(node),
      output_padding_(node.attributes().get_ints("output_padding")),
      output_shape_(node.attributes().get_ints("output_shape")) {}

ConvTransposeAttributes::ConvTransposeAttributes(const Attributes& attributes, Layout layout)
    : attributes_(attributes, layout),
      output_padding_(attributes.get_ints("output_padding")),
      output_shape_(attributes.get_ints("output_shape")) {}

ConvGeometry ConvTransposeAttributes::weight_geometry(const Tensor& weights) const {
  const std::vector<std::int64_t> kernel = attributes_.kernel(weights);
  const std::int64_t out_channels = weights.shape()[1] * attributes_.groups();
  return attributes_.with_channels(weights.shape()[0], out_channels, kernel);
}

ConvTransposePlace ConvTransposeAttributes::place(const Tensor& x, const Tensor& weights) const {
  const ImageDims image = image_dims(x.shape(), attributes_.layout());
  const WindowAttributes& window = attributes_.window();
  ConvGeometry g = weight_geometry(weights);
  if (weights.rank() != x.rank() || image.channels != g.in_channels)
    throw bad_input("the input " + x.str() + " does not fit weights " + weights.str());
  g.batch = image.batch;
  g.input = image.size;
  const Window fixed = window.fixed(attributes_.kernel(weights));
  const auto spatial = static_cast<std::size_t>(image.spatial_rank);
  const std::size_t lead = 3 - spatial;
  Spatial extra = {0, 0, 0};
  if (!output_padding_.empty()) {
    if (output_padding_.size() != spatial)
      throw bad_input("attribute output_padding has not one value a spatial axis");
    std::copy(output_padding_.begin(), output_padding_.end(), extra.begin() + lead);
  }
  // output_shape may begin with batch and channels.
  const std::size_t given = output_shape_.size();
  if (given != 0 && given != spatial && given != spatial + 2)
    throw bad_input("attribute output_shape has not one value a spatial axis");
  ConvTransposePlace result{g, {}};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t whole =
        g.stride[i] * (g.input[i] - 1) + extra[i] + g.dilation[i] * (g.kernel[i] - 1) + 1;
    std::int64_t& begin = result.geometry.pad_begin[i];
    std::int64_t& end = result.geometry.pad_end[i];
    std::int64_t& out = result.output[i];
    begin = fixed.pad_begin[i];
    end = fixed.pad_end[i];
    out = whole - begin - end;
    if (i >= lead && (given != 0 || window.is_same())) {
      out = given != 0 ? output_shape_[given - 3 + i] : g.input[i] * g.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, whole - out);
      const bool smaller_half_first = window.is_same() && !window.extra_pad_at_begin();
      begin = smaller_half_first ? total / 2 : total - total / 2;
      end = total - begin;
    }
    if (out < 0)
      throw bad_input("pads leave an output of " + std::to_string(out) + " for input " + x.str());
  }
  return result;
}

}  // namespace q8
