#include "data/preprocess.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "base/rounding.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

std::int64_t scaled_side(std::int64_t side, double scale) {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(round_half_even(static_cast<double>(side) * scale)));
}

Image resized(const Image& image, const PreprocessConfig& config) {
  using ResizeTo = PreprocessConfig::ResizeTo;
  switch (config.resize_to) {
    case ResizeTo::kKeep:
      break;
    case ResizeTo::kExact:
      return resize(image, config.resize_size.height, config.resize_size.width, config.resample);
    case ResizeTo::kShortestEdge:
    case ResizeTo::kLongestEdge: {
      const auto [shorter, longer] = std::minmax({image.height, image.width});
      const double scale =
          static_cast<double>(config.resize_edge) /
          static_cast<double>(config.resize_to == ResizeTo::kShortestEdge ? shorter : longer);
      return resize(image, scaled_side(image.height, scale), scaled_side(image.width, scale),
                    config.resample);
    }
  }
  return image;
}

// Half of a difference that may be negative, rounded down.
std::int64_t floor_half(std::int64_t value) {
  return value >= 0 ? value / 2 : -((-value + 1) / 2);
}

// The window of `size` whose upper left corner is at (top, left) of the image; `fill` outside.
Image window(const Image& image, PixelSize size, std::int64_t top, std::int64_t left,
             std::uint8_t fill) {
  Image out = make_image(size.height, size.width, image.channels);
  std::ranges::fill(out.pixels, fill);
  const std::int64_t first = std::max<std::int64_t>(0, -left);
  const std::int64_t last = std::min(size.width, image.width - left);
  if (first >= last) return out;
  for (std::int64_t y = std::max<std::int64_t>(0, -top);
       y < std::min(size.height, image.height - top); ++y) {
    const std::uint8_t* from =
        image.pixels.data() + ((y + top) * image.width + first + left) * image.channels;
    std::copy_n(from, (last - first) * image.channels,
                out.pixels.data() + (y * size.width + first) * image.channels);
  }
  return out;
}

// What becomes of each of the 256 pixel values in a channel: every step after the geometry works
// on single values, in FP32 and in this order.
std::array<float, 256> value_table(const PreprocessConfig& config, std::size_t channel) {
  std::array<float, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    float x = static_cast<float>(i);
    if (config.rescale) x *= *config.rescale;
    if (config.rescale_offset) x -= 1;
    if (!config.mean.empty()) x = (x - config.mean[channel]) / config.std[channel];
    if (config.divide_by_std_again) x /= config.std[channel];
    table[i] = x;
  }
  return table;
}

}  // namespace

std::optional<PixelSize> PreprocessConfig::output_size() const {
  if (pad) return pad;
  if (center_crop) return center_crop;
  if (resize_to == ResizeTo::kExact) return resize_size;
  return {};
}

Tensor preprocess(const Image& image, const PreprocessConfig& config) {
  if (image.channels != config.channels())
    throw bad_input("the image has " + std::to_string(image.channels) +
                    " channels, the preprocessing is for " + std::to_string(config.channels()));
  Image x = resized(image, config);
  if (config.center_crop)
    x = window(x, *config.center_crop, floor_half(x.height - config.center_crop->height),
               floor_half(x.width - config.center_crop->width), 0);
  if (config.pad) {
    if (x.height > config.pad->height || x.width > config.pad->width)
      throw bad_input("an image of " + PixelSize{x.height, x.width}.str() +
                      " pixels (height x width) cannot be padded to pad_size " + config.pad->str());
    x = window(x, *config.pad, 0, 0, config.pad_value);
  }
  const std::int64_t pixels = x.height * x.width, channels = x.channels;
  Tensor out(DType::kF32, config.channels_last ? Shape{x.height, x.width, channels}
                                               : Shape{channels, x.height, x.width});
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto table = value_table(config, static_cast<std::size_t>(c));
    const std::uint8_t* from = x.pixels.data() + (config.flip_channels ? channels - 1 - c : c);
    float* to = out.mutable_data<float>() + (config.channels_last ? c : c * pixels);
    const std::int64_t step = config.channels_last ? channels : 1;
    for (std::int64_t i = 0; i < pixels; ++i) to[i * step] = table[from[i * channels]];
  }
  return out;
}

Tensor preprocess(std::span<const std::byte> encoded, const PreprocessConfig& config) {
  return preprocess(decode_image(encoded, config.grey ? ColorMode::kGrey : ColorMode::kRgb),
                    config);
}

}  // namespace q8
