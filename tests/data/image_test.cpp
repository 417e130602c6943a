#include "data/image.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "data/npz.h"
#include "pillow_checks.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::HasSubstr;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Image, DecodesEveryFormatAsPillow) {
  expect_decoded_as_pillow(fixture(""));
}

TEST(Image, ExifOrientationIsNotApplied) {
  const MappedFile file(fixture("turned.jpg"));
  const Image image = decode_image(file.bytes(), ColorMode::kRgb);
  EXPECT_EQ(image.height, 17);  // as stored; turned it would be 23
  EXPECT_EQ(image.width, 23);
}

// Every cut of every file gives a picture or an error of the file, and never reads outside (which a
// sanitizer sees). Cuts that lose pixels are errors.
TEST(Image, TruncatedFilesAreBadInput) {
  for (const auto* name : {"420.jpg", "progressive.jpg", "rgb.png", "palette4.png", "lossy.webp",
                           "lossless.webp", "rgb.bmp", "565.bmp", "rgb.ppm", "bit.pbm"}) {
    const std::string whole = read_text_file(fixture(name));
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 8) {
      const std::string cut = whole.substr(0, size);
      try {
        (void)decode_image(bytes_of(cut), ColorMode::kRgb);
        EXPECT_GT(size, whole.size() - 8) << name << " decoded from " << size << " bytes";
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), ErrorKind::kInternal) << name << ": " << error.what();
      }
    }
  }
}

TEST(Image, FlippedBytesNeverEscapeAsOtherErrors) {
  for (const auto* name : {"420.jpg", "cmyk.jpg", "rgba.png", "palette1.png", "alpha.webp",
                           "palette.bmp", "bit.bmp", "plain.ppm", "grey.pgm"}) {
    const std::string whole = read_text_file(fixture(name));
    for (std::size_t i = 0; i < whole.size(); i += 1 + i / 40) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        try {
          (void)decode_image(bytes_of(damaged), ColorMode::kGrey);
        } catch (const Error& error) {
          EXPECT_NE(error.kind(), ErrorKind::kInternal) << name << ": " << error.what();
        }
      }
    }
  }
}

TEST(Image, ClaimedSizesAreLimited) {
  const std::string huge = "P6 100000 100000 255\n";
  EXPECT_THAT(bad_input_of([&] { (void)decode_image(bytes_of(huge), ColorMode::kRgb); }),
              HasSubstr("100000x100000"));
  EXPECT_THAT(bad_input_of([&] { (void)decode_image(bytes_of("P5 0 4 255\n"), ColorMode::kRgb); }),
              HasSubstr("0x4"));
}

TEST(Image, OtherFilesAreBadInput) {
  EXPECT_THAT(bad_input_of([] { (void)decode_image({}, ColorMode::kRgb); }), HasSubstr("empty"));
  EXPECT_THAT(bad_input_of([] { (void)decode_image(bytes_of("hello"), ColorMode::kRgb); }),
              HasSubstr("JPEG, PNG"));
  EXPECT_THAT(bad_input_of([] { (void)decode_image(bytes_of("P2 1 1 9 10"), ColorMode::kRgb); }),
              HasSubstr("10 is above the largest value 9"));
}

TEST(Image, ExtensionsAreKnownInAnyCase) {
  EXPECT_TRUE(has_image_extension("a/b.JPEG"));
  EXPECT_TRUE(has_image_extension("x.webp"));
  EXPECT_FALSE(has_image_extension("x.gif"));
  EXPECT_FALSE(has_image_extension("jpg"));
}

}  // namespace
}  // namespace q8
