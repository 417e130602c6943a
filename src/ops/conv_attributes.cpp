#include "ops/conv_attributes.h"

namespace q8 {

ConvAttributes::ConvAttributes(const NodeContext& node)
    : ConvAttributes(node.attributes(),
                     node.node.domain == "q8" ? Layout::kChannelsLast : Layout::kChannelsFirst) {}

ConvAttributes::ConvAttributes(const Attributes& attributes, Layout layout)
    : window_(attributes), groups_(attributes.get_int("group", 1)), layout_(layout) {
  if (groups_ < 1) throw bad_input("attribute group=" + std::to_string(groups_) + " is below 1");
}

std::vector<std::int64_t> ConvAttributes::kernel(const Tensor& weights) const {
  if (weights.rank() < 3)
    throw bad_input("weights must be [channels, channels, kernel…], found " + weights.str());
  return window_.kernel(weights.shape().dims().subspan(2));
}

ConvGeometry ConvAttributes::with_channels(std::int64_t in, std::int64_t out,
                                           std::span<const std::int64_t> kernel) const {
  const Window fixed = window_.fixed(kernel);
  ConvGeometry g;
  g.in_channels = in;
  g.out_channels = out;
  g.groups = groups_;
  g.kernel = fixed.kernel;
  g.stride = fixed.stride;
  g.dilation = fixed.dilation;
  validate(g);
  return g;
}

ConvGeometry ConvAttributes::weight_geometry(const Tensor& weights) const {
  const std::vector<std::int64_t> spatial = kernel(weights);
  return with_channels(weights.shape()[1] * groups_, weights.shape()[0], spatial);
}

ConvGeometry ConvAttributes::geometry(const Tensor& x, const Tensor& weights) const {
  const ImageDims image = image_dims(x.shape(), layout_);
  ConvGeometry g = weight_geometry(weights);
  if (image.channels != g.in_channels)
    throw bad_input("the input " + x.str() + " has " + std::to_string(image.channels) +
                    " channels, but weights " + weights.str() + " with group=" +
                    std::to_string(groups_) + " need " + std::to_string(g.in_channels));
  const Window at = window_.at(image, kernel(weights));
  g.batch = image.batch;
  g.input = at.input;
  g.pad_begin = at.pad_begin;
  g.pad_end = at.pad_end;
  validate(g);
  return g;
}

Attributes with_prefix(const Attributes& attributes, std::string_view prefix) {
  Attributes found;
  for (const auto& [name, attribute] : attributes)
    if (name.starts_with(prefix)) found.set(name.substr(prefix.size()), attribute);
  return found;
}

void need_conv_bias(const Tensor& bias, const Tensor& weights, std::int64_t channels) {
  if (bias.size() != channels || bias.dtype() != weights.dtype())
    throw bad_input("bias " + bias.str() + " does not fit weights " + weights.str() +
                    ": expected " + std::string(dtype_name(weights.dtype())) + "[" +
                    std::to_string(channels) + "]");
}

}  // namespace q8
