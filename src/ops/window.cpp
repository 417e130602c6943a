#include "ops/window.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {
namespace {

constexpr std::int64_t kMaxSpatial = 3;
// Sizes and pads above it are not met in practice and would overflow products.
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 31;

Spatial aligned(std::span<const std::int64_t> values, std::int64_t fill) {
  Spatial spatial = {fill, fill, fill};
  std::copy(values.begin(), values.end(),
            spatial.end() - static_cast<std::ptrdiff_t>(values.size()));
  return spatial;
}

void check(std::string_view name, std::span<const std::int64_t> values, std::size_t count,
           std::int64_t least) {
  if (values.size() != count)
    throw bad_input("attribute " + std::string(name) + " has " + std::to_string(values.size()) +
                    " values, expected " + std::to_string(count));
  for (const std::int64_t v : values)
    if (v < least || v > kMaxExtent)
      throw bad_input("attribute " + std::string(name) + " holds " + std::to_string(v) +
                      ", expected at least " + std::to_string(least));
}

}  // namespace

Layout layout_of(const Attributes& attributes) {
  return attributes.get_int("channels_last", 0) != 0 ? Layout::kChannelsLast
                                                     : Layout::kChannelsFirst;
}

ImageDims image_dims(const Shape& shape, Layout layout) {
  const std::int64_t spatial = shape.rank() - 2;
  if (spatial < 1)
    throw bad_input("expected batch, channels and spatial axes, found " + shape.str());
  if (spatial > kMaxSpatial) throw unsupported("more than three spatial axes: " + shape.str());
  const std::int64_t first = layout == Layout::kChannelsFirst ? 2 : 1;
  ImageDims dims;
  dims.batch = shape[0];
  dims.channels = shape[layout == Layout::kChannelsFirst ? 1 : shape.rank() - 1];
  dims.size = aligned(
      shape.dims().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(spatial)), 1);
  dims.spatial_rank = spatial;
  return dims;
}

Shape image_shape(const ImageDims& dims, Layout layout) {
  std::vector<std::int64_t> shape = {dims.batch};
  if (layout == Layout::kChannelsFirst) shape.push_back(dims.channels);
  shape.insert(shape.end(), dims.size.end() - dims.spatial_rank, dims.size.end());
  if (layout == Layout::kChannelsLast) shape.push_back(dims.channels);
  return Shape(std::move(shape));
}

WindowAttributes::WindowAttributes(const Attributes& attributes)
    : auto_pad_(attributes.get_string("auto_pad", "NOTSET")),
      ceil_mode_(attributes.get_int("ceil_mode", 0) != 0),
      kernel_(attributes.get_ints("kernel_shape")),
      strides_(attributes.get_ints("strides")),
      dilations_(attributes.get_ints("dilations")),
      pads_(attributes.get_ints("pads")) {
  if (auto_pad_.empty()) auto_pad_ = "NOTSET";
  if (auto_pad_ != "NOTSET" && !is_same() && !is_valid())
    throw bad_input("attribute auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, found '" +
                    auto_pad_ + "'");
}

std::vector<std::int64_t> WindowAttributes::kernel(std::span<const std::int64_t> fallback) const {
  std::vector<std::int64_t> kernel = kernel_;
  if (kernel.empty()) kernel.assign(fallback.begin(), fallback.end());
  if (!fallback.empty() &&
      !std::equal(kernel.begin(), kernel.end(), fallback.begin(), fallback.end()))
    throw bad_input("attribute kernel_shape does not fit the weights");
  const std::size_t rank = kernel.size();
  if (rank == 0) throw bad_input("attribute kernel_shape is missing");
  if (rank > static_cast<std::size_t>(kMaxSpatial))
    throw unsupported("a kernel of more than three dimensions");
  check("kernel_shape", kernel, rank, 1);
  if (!strides_.empty()) check("strides", strides_, rank, 1);
  if (!dilations_.empty()) check("dilations", dilations_, rank, 1);
  if (!pads_.empty()) check("pads", pads_, 2 * rank, 0);
  return kernel;
}

Window WindowAttributes::fixed(std::span<const std::int64_t> kernel) const {
  Window window;
  window.kernel = aligned(kernel, 1);
  window.stride = aligned(strides_, 1);
  window.dilation = aligned(dilations_, 1);
  if (auto_pad_ == "NOTSET") {
    const std::span<const std::int64_t> pads = pads_;
    window.pad_begin = aligned(pads.first(pads.size() / 2), 0);
    window.pad_end = aligned(pads.last(pads.size() / 2), 0);
  }
  return window;
}

Window WindowAttributes::at(const ImageDims& image, std::span<const std::int64_t> kernel) const {
  if (static_cast<std::int64_t>(kernel.size()) != image.spatial_rank)
    throw bad_input("a kernel of " + std::to_string(kernel.size()) + " dimensions on " +
                    std::to_string(image.spatial_rank) + " spatial axes");
  Window window = fixed(kernel);
  window.input = image.size;
  for (std::size_t i = 0; i < window.input.size(); ++i) {
    const std::int64_t in = window.input[i], stride = window.stride[i];
    const std::int64_t extent = window.dilation[i] * (window.kernel[i] - 1) + 1;
    std::int64_t& begin = window.pad_begin[i];
    std::int64_t& end = window.pad_end[i];
    std::int64_t& out = window.output[i];
    if (is_same()) {
      out = (in + stride - 1) / stride;
      const std::int64_t pad = std::max<std::int64_t>((out - 1) * stride + extent - in, 0);
      begin = extra_pad_at_begin() ? (pad + 1) / 2 : pad / 2;
      end = pad - begin;
      continue;
    }
    const std::int64_t room = in + begin + end - extent;
    if (room < 0) {
      if (in > 0)
        throw bad_input("a window of " + std::to_string(extent) + " on an axis of " +
                        std::to_string(in) + ", which with its padding is " +
                        std::to_string(in + begin + end));
      out = 0;
      continue;
    }
    out = room / stride + 1;
    if (ceil_mode_ && !is_valid() && room % stride != 0 && out * stride < in + begin) ++out;
  }
  return window;
}

ConvGeometry pool_geometry(const ImageDims& image, const Window& window) {
  ConvGeometry g;
  g.batch = image.batch;
  g.in_channels = g.out_channels = g.groups = image.channels;
  g.input = window.input;
  g.kernel = window.kernel;
  g.stride = window.stride;
  g.dilation = window.dilation;
  g.pad_begin = window.pad_begin;
  for (std::size_t d = 0; d < 3; ++d)
    g.pad_end[d] = (window.output[d] - 1) * window.stride[d] +
                   window.dilation[d] * (window.kernel[d] - 1) + 1 - window.input[d] -
                   window.pad_begin[d];
  return g;
}

}  // namespace q8
