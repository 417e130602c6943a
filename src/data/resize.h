#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/image.h"

namespace q8 {

// Pillow's resampling filters under Pillow's codes, which preprocessor_config.json uses too.
enum class Resample : std::uint8_t {
  kNearest = 0,
  kLanczos = 1,
  kBilinear = 2,
  kBicubic = 3,
  kBox = 4,
  kHamming = 5,
};
std::optional<Resample> resample_of_code(std::int64_t code);
std::string_view resample_name(Resample filter);  // nearest, lanczos, …

// The image as height x width pixels (both >= 1), equal to Pillow 13's Image.resize bit for bit:
// when shrinking, the filter is widened by the scale (antialiasing); weights are rounded to 22-bit
// fixed point; one axis after the other, rounded to 8 bits between. The width comes first, but the
// height where it loses more than twice as many pixels as the width does: so Pillow since 13.0;
// earlier versions always begin with the width, which can move single pixels of such images by a
// few steps. kNearest takes the pixel under the centre of each new one.
Image resize(const Image& image, std::int64_t height, std::int64_t width, Resample filter);

}  // namespace q8
