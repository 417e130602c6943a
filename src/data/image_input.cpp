#include "data/image_input.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "data/array_rows.h"
#include "data/checked_cast.h"

namespace q8 {
namespace {

std::string layout_name(const PreprocessConfig& config) {
  return config.channels_last ? "\"channels_last\"" : "\"channels_first\"";
}

std::string text(std::int64_t dim) {
  return dim < 0 ? "?" : std::to_string(dim);
}

}  // namespace

ImageInput::ImageInput(const InputSpec& input, const PreprocessConfig& config,
                       DatasetOptions::SizeMismatch size_mismatch)
    : input_(input), config_(config) {
  if (!input.dims) return;
  const auto& dims = *input.dims;
  has_batch_ = dims.size() != 3;
  if (dims.size() != 3 && dims.size() != 4)
    throw bad_input("images cannot be fed to " + input_text(input) +
                    ": 4 dimensions are needed, batch, channels, height and width");
  if (has_batch_ && dims[0] > 1)
    throw unsupported(input_text(input) + " takes batches of exactly " + std::to_string(dims[0]) +
                      ": export the model with a batch of 1 or a dynamic one");
  check_layout();
  const std::size_t first = (has_batch_ ? 1u : 0u) + (config.channels_last ? 0u : 1u);
  const std::int64_t height = dims[first], width = dims[first + 1];
  if (size_mismatch == DatasetOptions::SizeMismatch::kResize && height > 0 && width > 0) {
    squeezed_ = config;
    squeezed_->resize_to = PreprocessConfig::ResizeTo::kExact;
    squeezed_->resize_size = {height, width};
    squeezed_->center_crop.reset();
    squeezed_->pad.reset();
  } else if (const auto size = config.output_size()) {
    if (!fits(fed_shape(*size), input))
      throw bad_input("the preprocessing makes " + fed_shape(*size).str() + " (" + config.str() +
                      "), the model declares " + input_text(input));
  }
}

Shape ImageInput::fed_shape(PixelSize size) const {
  std::vector<std::int64_t> dims;
  if (has_batch_) dims.push_back(1);
  if (!config_.channels_last) dims.push_back(config_.channels());
  dims.push_back(size.height);
  dims.push_back(size.width);
  if (config_.channels_last) dims.push_back(config_.channels());
  return Shape(std::move(dims));
}

// The number of channels stands where the layout says, or the message says where it does stand.
void ImageInput::check_layout() const {
  const auto& dims = *input_.dims;
  const std::size_t first = has_batch_ ? 1 : 0, last = dims.size() - 1;
  const std::int64_t here = dims[config_.channels_last ? last : first];
  const std::int64_t there = dims[config_.channels_last ? first : last];
  const std::int64_t channels = config_.channels();
  if (here < 0 || here == channels) return;
  const std::string found = "the preprocessing's data_format is " + layout_name(config_) +
                            " with " + std::to_string(channels) + " channels, the model declares " +
                            input_text(input_);
  PreprocessConfig other = config_;
  other.channels_last = !config_.channels_last;
  if (there == channels) throw bad_input(found + ": set \"data_format\": " + layout_name(other));
  if (here == 1 || here == 3)
    throw bad_input(found + ": set \"do_convert_grayscale\": " + (here == 1 ? "true" : "false"));
  throw bad_input(found + ", which has " + text(here) + " where the channels should be");
}

Tensor ImageInput::load(std::span<const std::byte> encoded) const {
  const Image image = decode_image(encoded, config_.grey ? ColorMode::kGrey : ColorMode::kRgb);
  const auto run = [&](const PreprocessConfig& config) {
    const Tensor x = preprocess(image, config);
    const std::int64_t first = config.channels_last ? 0 : 1;
    return x.reshaped(fed_shape({x.shape()[first], x.shape()[first + 1]}));
  };
  Tensor x = run(config_);
  if (!fits(x.shape(), input_) && squeezed_) x = run(*squeezed_);
  if (!fits(x.shape(), input_))
    throw bad_input(
        "the preprocessed image is " + x.shape().str() + ", the model declares " +
        input_text(input_) +
        ": let the preprocessing resize (\"do_resize\", \"size\") or crop to that size");
  return checked_cast(x, input_.dtype);
}

}  // namespace q8
