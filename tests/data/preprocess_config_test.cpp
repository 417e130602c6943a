#include <gmock/gmock.h>

#include "data/preprocess.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::AllOf;
using testing::HasSubstr;

PreprocessConfig parse(std::string_view json) {
  return parse_preprocess_config(json, "p.json");
}
std::string error_of(std::string_view json) {
  return bad_input_of([&] { (void)parse(json); });
}
std::string text_of(std::string_view file) {
  return read_preprocess_config(fixture("processors") / file).str();
}

constexpr std::string_view kHalf = "mean 0.5,0.5,0.5 std 0.5,0.5,0.5; channels first";
constexpr std::string_view kImageNet =
    "mean 0.485,0.456,0.406 std 0.229,0.224,0.225; channels first";

// Configurations with the keys and values that Hugging Face's processors of these models write; the
// steps are what their documentation says of them.
TEST(PreprocessConfig, ReadsVit) {
  const std::string expected =
      "rgb; resize 224x224 bilinear; rescale 0.003921569; " + std::string(kHalf);
  EXPECT_EQ(text_of("vit.json"), expected);
  EXPECT_EQ(text_of("vit_fast.json"), expected);  // nulls are missing keys
  EXPECT_EQ(text_of("vit_2021.json"), expected);  // size is a number, do_rescale not yet a key
}

TEST(PreprocessConfig, ReadsDeit) {
  EXPECT_EQ(text_of("deit.json"),
            "rgb; resize 256x256 bicubic; center crop 224x224; rescale 0.003921569; " +
                std::string(kImageNet));
}

TEST(PreprocessConfig, ReadsConvNext) {
  // 224 / 0.875 = 256
  EXPECT_EQ(text_of("convnext.json"),
            "rgb; resize shortest edge 256 bicubic; center crop 224x224; rescale 0.003921569; " +
                std::string(kImageNet));
  EXPECT_EQ(text_of("convnext_384.json"),
            "rgb; resize 384x384 bicubic; rescale 0.003921569; " + std::string(kImageNet));
}

TEST(PreprocessConfig, ReadsEfficientNet) {
  EXPECT_EQ(text_of("efficientnet.json"),
            "rgb; resize 224x224 nearest; rescale 0.003921569; mean 0.485,0.456,0.406 std "
            "0.47853944,0.4732864,0.47434163; divide by std again; channels first");
}

TEST(PreprocessConfig, ReadsMobileVit) {
  EXPECT_EQ(text_of("mobilevit.json"),
            "rgb; resize shortest edge 288 bilinear; center crop 256x256; flip channels; rescale "
            "0.003921569; channels first");
}

TEST(PreprocessConfig, EverythingElseIsOffUnlessSet) {
  EXPECT_EQ(parse("{}"), PreprocessConfig());
  EXPECT_EQ(parse("{}").str(), "rgb; channels first");
}

TEST(PreprocessConfig, AnUnknownKeyNamesTheNearestKnownOne) {
  EXPECT_THAT(error_of(R"({"do_resise": true})"),
              AllOf(HasSubstr("p.json"), HasSubstr("\"do_resise\""), HasSubstr("\"do_resize\"")));
}

TEST(PreprocessConfig, WrongTypesNameKeyAndValue) {
  EXPECT_THAT(error_of(R"({"do_resize": 1})"), AllOf(HasSubstr("do_resize"), HasSubstr("found 1")));
  EXPECT_THAT(error_of(R"({"do_resize": true, "size": {"height": 4}})"), HasSubstr("\"size\""));
  EXPECT_THAT(error_of(R"({"do_resize": true, "size": {"shortest_edge": 0}})"), HasSubstr("size"));
  EXPECT_THAT(error_of(R"({"do_resize": true, "size": {"shortest_edge": 8, "longest_edge": 9}})"),
              HasSubstr("size"));
  EXPECT_THAT(error_of(R"({"resample": 6})"), HasSubstr("resample"));
  EXPECT_THAT(error_of(R"({"data_format": "NHWC"})"), HasSubstr("channels_last"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("JSON object"));
  EXPECT_THAT(error_of("{"), HasSubstr("not valid JSON"));
}

TEST(PreprocessConfig, StepsWithoutTheirNumbersAreErrors) {
  EXPECT_THAT(error_of(R"({"do_resize": true})"), HasSubstr("\"size\" is missing"));
  EXPECT_THAT(error_of(R"({"do_center_crop": true})"), HasSubstr("\"crop_size\" is missing"));
  EXPECT_THAT(error_of(R"({"do_pad": true})"), HasSubstr("\"pad_size\" is missing"));
  EXPECT_THAT(error_of(R"({"do_rescale": true})"), HasSubstr("\"rescale_factor\" is missing"));
  EXPECT_THAT(error_of(R"({"do_normalize": true, "image_mean": [0, 0, 0]})"),
              HasSubstr("\"image_std\" is missing"));
}

TEST(PreprocessConfig, MeanAndStdAreOneAChannel) {
  EXPECT_THAT(error_of(R"({"do_normalize": true, "image_mean": [0, 0], "image_std": [1, 1]})"),
              HasSubstr("3 numbers"));
  EXPECT_THAT(error_of(R"({"do_normalize": true, "image_mean": 0, "image_std": [1, 0, 1]})"),
              HasSubstr("above 0"));
  EXPECT_EQ(parse(R"({"do_convert_grayscale": true, "do_normalize": true, "image_mean": [2],
                      "image_std": 4})")
                .str(),
            "grey; mean 2 std 4; channels first");
}

TEST(PreprocessConfig, ANumberAsSizeIsWhatTheProcessorMeans) {
  const auto size_of = [](std::string_view more) {
    return parse(R"({"do_rescale": false, "do_resize": true, "size": 8)" + std::string(more) + "}")
        .str();
  };
  EXPECT_THAT(size_of(""), HasSubstr("resize 8x8"));
  EXPECT_THAT(size_of(R"(, "default_to_square": false)"), HasSubstr("shortest edge 8"));
  EXPECT_THAT(size_of(R"(, "image_processor_type": "CLIPImageProcessor")"),
              HasSubstr("shortest edge 8"));
  EXPECT_THAT(bad_input_of([&] { size_of(R"(, "image_processor_type": "NewImageProcessor")"); }),
              HasSubstr("NewImageProcessor"));
}

TEST(PreprocessConfig, ProcessorsThatScaleTheirSizeAreRefused) {
  EXPECT_THAT(thrown(ErrorKind::kUnsupported,
                     [] { parse(R"({"image_processor_type": "LevitImageProcessorFast"})"); }),
              HasSubstr("Levit"));
  EXPECT_THAT(
      thrown(ErrorKind::kUnsupported,
             [] { parse(R"({"image_processor_type": "ViTImageProcessor", "crop_pct": 0.9})"); }),
      HasSubstr("crop_pct"));
}

TEST(PreprocessConfig, AMissingRescaleIsOffForMeansOfBytes) {
  EXPECT_EQ(parse(R"({"do_normalize": true, "image_mean": 127, "image_std": 128})").str(),
            "rgb; mean 127,127,127 std 128,128,128; channels first");
}

}  // namespace
}  // namespace q8
