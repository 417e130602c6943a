#include <gmock/gmock.h>

#include "data/preprocess.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PreprocessLine, EveryStepIsReadAsItStands) {
  const PreprocessConfig c = parse_preprocess_line(
      "rgb; resize shortest edge 256 bicubic; center crop 224x192; pad 230x240 with 114; flip "
      "channels; rescale 0.003921569; minus 1; mean 0.5,-0.25,1e-05 std 0.5,2,3; divide by std "
      "again; channels last");
  EXPECT_FALSE(c.grey);
  EXPECT_EQ(c.resize_to, PreprocessConfig::ResizeTo::kShortestEdge);
  EXPECT_EQ(c.resize_edge, 256);
  EXPECT_EQ(c.resample, Resample::kBicubic);
  EXPECT_EQ(c.center_crop, (PixelSize{.height = 224, .width = 192}));
  EXPECT_EQ(c.pad, (PixelSize{.height = 230, .width = 240}));
  EXPECT_EQ(c.pad_value, 114);
  EXPECT_TRUE(c.flip_channels);
  EXPECT_EQ(c.rescale, 0.003921569f);
  EXPECT_TRUE(c.rescale_offset);
  EXPECT_THAT(c.mean, ElementsAre(0.5f, -0.25f, 1e-5f));
  EXPECT_THAT(c.std, ElementsAre(0.5f, 2.0f, 3.0f));
  EXPECT_TRUE(c.divide_by_std_again);
  EXPECT_TRUE(c.channels_last);
}

TEST(PreprocessLine, StepsThatAreNotNamedAreOff) {
  EXPECT_EQ(parse_preprocess_line("rgb; channels first"), PreprocessConfig{});
  PreprocessConfig grey;
  grey.grey = true;
  grey.resize_to = PreprocessConfig::ResizeTo::kExact;
  grey.resize_size = {.height = 28, .width = 32};
  grey.resample = Resample::kLanczos;
  grey.mean = {33.3f};
  grey.std = {78.5f};
  EXPECT_EQ(parse_preprocess_line("grey; resize 28x32 lanczos; mean 33.3 std 78.5; channels first"),
            grey);
  PreprocessConfig longest;
  longest.resize_to = PreprocessConfig::ResizeTo::kLongestEdge;
  longest.resize_edge = 640;
  longest.resample = Resample::kNearest;
  EXPECT_EQ(parse_preprocess_line("rgb; resize longest edge 640 nearest; channels first"), longest);
}

TEST(PreprocessLine, WhatNoConfigurationSaysIsRefused) {
  for (const char* line :
       {"", "rgb", "rgb; blur 3; channels first", "channels first; rgb",
        "rgb; resize 224x224 sharp; channels first", "rgb; resize 224x224",
        "rgb; resize 0x224 bicubic; channels first",
        "rgb; resize 99999999999x1 bicubic; channels first", "rgb; center crop 5; channels first",
        "rgb; rescale x; channels first", "rgb; mean 1,2 std 1,2; channels first",
        "rgb; mean 1,2,3 std 1,2; channels first", "rgb; mean 1,2,3 std 1,0,1; channels first",
        "rgb; pad 8x8 with 300; channels first", "rgb; channels first; "})
    EXPECT_THAT(bad_input_of([&] { (void)parse_preprocess_line(line); }), HasSubstr("'")) << line;
}

}  // namespace
}  // namespace q8
