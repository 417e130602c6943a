#include "data/resize.h"

#include <gtest/gtest.h>

#include "pillow_checks.h"
#include "temporary_folder.h"

namespace q8 {
namespace {

TEST(Resize, EqualsPillowBitForBit) {
  expect_resized_as_pillow(fixture(""));
}

TEST(Resize, TheSameSizeIsTheSameImage) {
  const Image image{1, 2, 3, {1, 2, 3, 250, 251, 252}};
  for (int code = 0; code <= 5; ++code)
    EXPECT_EQ(resize(image, 1, 2, *resample_of_code(code)).pixels, image.pixels);
}

TEST(Resize, AConstantImageStaysConstant) {
  const Image image{5, 7, 1, std::vector<std::uint8_t>(35, 255)};
  for (int code = 0; code <= 5; ++code)
    for (const std::uint8_t pixel : resize(image, 9, 3, *resample_of_code(code)).pixels)
      EXPECT_EQ(pixel, 255) << resample_name(*resample_of_code(code));
}

TEST(Resize, OnlyPillowsCodesAreFilters) {
  EXPECT_EQ(resample_of_code(1), Resample::kLanczos);
  EXPECT_EQ(resample_of_code(-1), std::nullopt);
  EXPECT_EQ(resample_of_code(6), std::nullopt);
}

}  // namespace
}  // namespace q8
