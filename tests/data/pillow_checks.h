#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/file.h"
#include "data/image.h"
#include "data/npz.h"
#include "data/preprocess.h"
#include "data/resize.h"

// Comparisons with the files that make_fixtures.py writes: the committed ones, and fresh random
// ones where Python is at hand.
namespace q8 {

inline Image image_of(const Tensor& pixels) {  // u8 [height, width, channels]
  const auto values = pixels.values<std::uint8_t>();
  return {pixels.shape()[0], pixels.shape()[1], pixels.shape()[2], {values.begin(), values.end()}};
}

// The largest difference of two pixels, 256 where the sizes differ.
inline int largest_difference(const Image& image, const Tensor& expected) {
  if (std::ssize(image.pixels) != expected.size() || image.height != expected.shape()[0] ||
      image.width != expected.shape()[1])
    return 256;
  int largest = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(image.pixels[static_cast<std::size_t>(i)] -
                                         expected.data<std::uint8_t>()[i]));
  return largest;
}

inline void expect_decoded_as_pillow(const std::filesystem::path& folder) {
  const auto arrays = read_npz(folder / "decoded.npz");
  EXPECT_GE(arrays.size(), 80u);
  for (const auto& [key, expected] : arrays) {
    const std::string file = key.substr(0, key.find(':'));
    const MappedFile bytes(folder / file);
    const Image image =
        decode_image(bytes.bytes(), key.ends_with(":grey") ? ColorMode::kGrey : ColorMode::kRgb);
    EXPECT_EQ(largest_difference(image, expected), 0) << key;
  }
}

inline void expect_resized_as_pillow(const std::filesystem::path& folder) {
  const auto arrays = read_npz(folder / "resized.npz");
  int compared = 0;
  for (const auto& [key, expected] : arrays) {
    if (key.starts_with("source")) continue;
    // "<source>_<channels>_<code>_<height>x<width>"
    const std::string source = "source" + key.substr(0, key.find('_', key.find('_') + 1));
    const int code = key[key.find('_', key.find('_') + 1) + 1] - '0';
    const Image resized = resize(image_of(arrays.at(source)), expected.shape()[0],
                                 expected.shape()[1], *resample_of_code(code));
    EXPECT_EQ(largest_difference(resized, expected), 0) << key << " of " << source;
    ++compared;
  }
  EXPECT_GE(compared, 40);
}

// The float results differ from float64 in the last bits only; 1e-6 of the values' size is less
// than a hundredth of a pixel step.
inline void expect_preprocessed_as_python(const std::filesystem::path& folder) {
  const auto configs = nlohmann::json::parse(read_text_file(folder / "preprocessed.json"));
  const auto arrays = read_npz(folder / "preprocessed.npz");
  int compared = 0;
  for (const auto& [key, expected] : arrays) {
    const std::string name = key.substr(0, key.find(' '));
    if (name == "source") continue;
    const PreprocessConfig config = parse_preprocess_config(configs.at(name).dump(), name);
    const Image source = image_of(arrays.at("source" + key.substr(key.find(' '))));
    Image image = source;
    if (config.grey) {  // through a file: the conversion is the decoder's
      const std::string ppm = "P6 " + std::to_string(source.width) + " " +
                              std::to_string(source.height) + " 255\n" +
                              std::string(source.pixels.begin(), source.pixels.end());
      image = decode_image(std::as_bytes(std::span(ppm)), ColorMode::kGrey);
    }
    const Tensor result = preprocess(image, config);
    ASSERT_EQ(result.shape(), expected.shape()) << key;
    float largest = 0;
    for (std::int64_t i = 0; i < result.size(); ++i) {
      const float e = expected.data<float>()[i];
      largest = std::max(largest, std::abs(result.data<float>()[i] - e) / (1 + std::abs(e)));
    }
    EXPECT_LE(largest, 1e-6F) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 20);
}

}  // namespace q8
