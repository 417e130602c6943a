#include "data/image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

struct Format {
  bool (*matches)(std::string_view beginning);
  Image (*decode)(std::span<const std::byte> bytes);
};

constexpr Format kFormats[] = {
    {[](std::string_view b) { return b.starts_with("\xff\xd8\xff"); }, decode_jpeg},
    {[](std::string_view b) { return b.starts_with("\x89PNG\r\n\x1a\n"); }, decode_png},
    {[](std::string_view b) {
       return b.size() >= 12 && b.starts_with("RIFF") && b.substr(8, 4) == "WEBP";
     },
     decode_webp},
    {[](std::string_view b) { return b.starts_with("BM"); }, decode_bmp},
    {[](std::string_view b) {
       return b.size() >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6' &&
              (std::isspace(static_cast<unsigned char>(b[2])) || b[2] == '#');
     },
     decode_pnm},
};

Image grey_of(const Image& rgb) {
  Image grey = make_image(rgb.height, rgb.width, 1);
  const std::uint8_t* in = rgb.pixels.data();
  for (std::uint8_t& out : grey.pixels) {
    // Rec. 601 luma in 16-bit fixed point, as Pillow's convert("L").
    out = static_cast<std::uint8_t>((in[0] * 19595 + in[1] * 38470 + in[2] * 7471 + 0x8000) >> 16);
    in += 3;
  }
  return grey;
}

Image rgb_of(const Image& grey) {
  Image rgb = make_image(grey.height, grey.width, 3);
  std::uint8_t* out = rgb.pixels.data();
  for (const std::uint8_t value : grey.pixels) {
    out = std::fill_n(out, 3, value);
  }
  return rgb;
}

}  // namespace

Image make_image(std::int64_t height, std::int64_t width, std::int64_t channels) {
  if (height < 1 || width < 1 || height > kMaxImagePixels || width > kMaxImagePixels / height)
    throw bad_input("the image claims " + std::to_string(width) + "x" + std::to_string(height) +
                    " pixels: at least 1x1 and at most " + std::to_string(kMaxImagePixels) +
                    " in all can be read");
  Image image{height, width, channels, {}};
  image.pixels.resize(static_cast<std::size_t>(height * width * channels));
  return image;
}

Image decode_image(std::span<const std::byte> bytes, ColorMode mode) {
  const std::string_view beginning(reinterpret_cast<const char*>(bytes.data()),
                                   std::min<std::size_t>(bytes.size(), 16));
  const auto* format =
      std::ranges::find_if(kFormats, [&](const Format& f) { return f.matches(beginning); });
  if (format == std::end(kFormats))
    throw bad_input(bytes.empty() ? "the file is empty"
                                  : "not an image in a known format: JPEG, PNG, WebP, BMP, PBM, "
                                    "PGM or PPM is expected");
  Image image = format->decode(bytes);
  if (mode == ColorMode::kRgb && image.channels == 1) return rgb_of(image);
  if (mode == ColorMode::kGrey && image.channels == 3) return grey_of(image);
  return image;
}

bool has_image_extension(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 8> kExtensions = {".jpg", ".jpeg", ".png", ".webp",
                                                                  ".bmp", ".pbm",  ".pgm", ".ppm"};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

}  // namespace q8
