#include "data/preprocess.h"

#include <gmock/gmock.h>

#include "pillow_checks.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Image grey_image(std::int64_t height, std::int64_t width, std::vector<std::uint8_t> pixels) {
  return {height, width, 1, std::move(pixels)};
}

PreprocessConfig grey_config() {
  PreprocessConfig config;
  config.grey = true;
  return config;
}

TEST(Preprocess, EqualsAnIndependentImplementation) {
  expect_preprocessed_as_python(fixture(""));
}

TEST(Preprocess, NothingSetKeepsPixelsAsFloats) {
  const Tensor x = preprocess(Image{1, 2, 3, {0, 1, 2, 253, 254, 255}}, PreprocessConfig());
  EXPECT_EQ(x.shape(), (Shape{3, 1, 2}));
  EXPECT_THAT(x.values<float>(), ElementsAre(0, 253, 1, 254, 2, 255));
}

TEST(Preprocess, CenterCropPutsZerosAroundSmallImages) {
  PreprocessConfig config = grey_config();
  config.center_crop = PixelSize{1, 4};
  config.rescale = 2.0F;
  // 4 − 1 = 3 columns are missing: 2 left, 1 right, as the odd one goes first.
  EXPECT_THAT(preprocess(grey_image(1, 1, {9}), config).values<float>(), ElementsAre(0, 0, 18, 0));
}

TEST(Preprocess, CenterCropOfAnOddSurplusTakesTheUpperLeft) {
  PreprocessConfig config = grey_config();
  config.center_crop = PixelSize{1, 2};
  // (5 − 2) / 2 rounds down to 1.
  EXPECT_THAT(preprocess(grey_image(1, 5, {1, 2, 3, 4, 5}), config).values<float>(),
              ElementsAre(2, 3));
}

TEST(Preprocess, PadsToTheRightAndBelow) {
  PreprocessConfig config = grey_config();
  config.pad = PixelSize{2, 2};
  config.pad_value = 114;
  EXPECT_THAT(preprocess(grey_image(1, 1, {7}), config).values<float>(),
              ElementsAre(7, 114, 114, 114));
}

TEST(Preprocess, PaddingToLessIsAnError) {
  PreprocessConfig config = grey_config();
  config.pad = PixelSize{1, 1};
  EXPECT_THAT(bad_input_of([&] {
                preprocess(grey_image(1, 2, {7, 8}), config);
              }),
              HasSubstr("1x2"));
}

TEST(Preprocess, MeanAndStdCountFromBlueAfterAFlip) {
  PreprocessConfig config;
  config.flip_channels = true;
  config.mean = {10, 20, 30};
  config.std = {1, 2, 4};
  // RGB (50, 60, 70) is BGR (70, 60, 50): (70 − 10)/1, (60 − 20)/2, (50 − 30)/4.
  EXPECT_THAT(preprocess(Image{1, 1, 3, {50, 60, 70}}, config).values<float>(),
              ElementsAre(60, 20, 5));
}

TEST(Preprocess, ScaledSidesRoundHalfToEven) {
  PreprocessConfig config = grey_config();
  config.resize_to = PreprocessConfig::ResizeTo::kShortestEdge;
  config.resize_edge = 1;
  // 5 * 1/2 = 2.5 becomes 2, 7 * 1/2 = 3.5 becomes 4.
  EXPECT_EQ(preprocess(grey_image(2, 5, std::vector<std::uint8_t>(10)), config).shape(),
            (Shape{1, 1, 2}));
  EXPECT_EQ(preprocess(grey_image(7, 2, std::vector<std::uint8_t>(14)), config).shape(),
            (Shape{1, 4, 1}));
}

TEST(Preprocess, TheOutputSizeIsKnownWhereItIsFixed) {
  PreprocessConfig config;
  EXPECT_EQ(config.output_size(), std::nullopt);
  config.resize_to = PreprocessConfig::ResizeTo::kExact;
  config.resize_size = {4, 5};
  EXPECT_EQ(config.output_size(), (PixelSize{4, 5}));
  config.center_crop = PixelSize{2, 3};
  EXPECT_EQ(config.output_size(), (PixelSize{2, 3}));
}

}  // namespace
}  // namespace q8
