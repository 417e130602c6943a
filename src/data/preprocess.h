#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/resize.h"
#include "tensor/tensor.h"

namespace q8 {

struct PixelSize {
  static constexpr std::int64_t kMaxSide = 1 << 16;

  std::int64_t height = 0, width = 0;
  std::string str() const;  // "224x256", the height first
  bool operator==(const PixelSize&) const = default;
};

// How an image becomes a model's input; the steps run in the order of the members. Each is off
// unless set. Scaled sides are round_half_even(side * scale), at least 1.
struct PreprocessConfig {
  enum class ResizeTo {
    kKeep,
    kExact,         // resize_size, whatever the aspect ratio
    kShortestEdge,  // the shorter side becomes resize_edge
    kLongestEdge,   // the longer side becomes resize_edge
  };

  bool grey = false;  // one channel instead of three
  ResizeTo resize_to = ResizeTo::kKeep;
  PixelSize resize_size;
  std::int64_t resize_edge = 0;
  Resample resample = Resample::kBilinear;
  std::optional<PixelSize> center_crop;  // an image smaller than that gets zeros around it
  std::optional<PixelSize> pad;          // to the right and below; a larger image is an error
  std::uint8_t pad_value = 0;
  bool flip_channels = false;        // RGB becomes BGR; mean and std then count from blue
  std::optional<float> rescale;      // x * rescale …
  bool rescale_offset = false;       // … − 1
  std::vector<float> mean, std;      // (x − mean) / std, per channel; empty: not done
  bool divide_by_std_again = false;  // what EfficientNet's include_top does
  bool channels_last = false;        // HWC instead of CHW

  std::int64_t channels() const { return grey ? 1 : 3; }
  // The size of every output where it does not depend on the image.
  std::optional<PixelSize> output_size() const;
  // One line that says all that changes the result, the same for equal configurations: for hashing,
  // for telling two of them apart, and for parse_preprocess_line().
  std::string str() const;
  bool operator==(const PreprocessConfig&) const = default;
};

// Reads a preprocessor_config.json as Hugging Face image processors write it.
//   - `size` is {"height", "width"}, {"shortest_edge"}, {"longest_edge"} or a number: the shorter
//     edge for processors that mean so (CLIP, ConvNext, MobileViT, …) or "default_to_square":
//     false, a square for the others; a processor that q8 does not know must say it by name.
//   - ConvNext's crop_pct (224/256 where it is missing): below 384 the shorter side becomes
//     size / crop_pct and the centre size x size is kept; from 384 on the image is squeezed.
//   - `do_rescale` missing: off, except in a file that names its processor or whose image_mean and
//     image_std are for 0…1 (all <= 1, as Hugging Face's old files have them): there 1/255.
//   - null is the same as a missing key. Keys that do not change pixels are passed over by a list.
// Any other key, a wrong type or a step without its numbers is bad_input that names the key and the
// nearest known one; `source` (the file) stands in front of every message.
PreprocessConfig parse_preprocess_config(std::string_view json, std::string_view source);
PreprocessConfig read_preprocess_config(const std::filesystem::path& path);

// The configuration whose str() is `line`. Throws bad_input where there is none.
PreprocessConfig parse_preprocess_line(std::string_view line);

// The steps on one image: f32 [C, H, W] or, with channels_last, [H, W, C]. The first takes a whole
// encoded file. Errors do not name the file.
Tensor preprocess(std::span<const std::byte> encoded, const PreprocessConfig& config);
Tensor preprocess(const Image& image, const PreprocessConfig& config);

}  // namespace q8
