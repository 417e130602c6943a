#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace q8 {

// 8-bit pixels, rows from the top, channels interleaved: pixels[(y * width + x) * channels + c].
struct Image {
  std::int64_t height = 0, width = 0;
  std::int64_t channels = 3;  // 3: red, green, blue; 1: grey
  std::vector<std::uint8_t> pixels;
};

enum class ColorMode { kRgb, kGrey };

// Larger images are refused: 2^27 pixels, 400 MB as RGB. No camera makes them; crafted files do.
constexpr std::int64_t kMaxImagePixels = std::int64_t{1} << 27;

// Decodes JPEG, PNG, WebP, BMP or PBM/PGM/PPM, told apart by their first bytes, to what Pillow's
// Image.open(...).convert("RGB") or .convert("L") gives:
//   - alpha is dropped, not blended; palettes are looked up; CMYK JPEGs are taken as Adobe's
//     (inverted) and turned into RGB without a colour profile; gamma and profiles are not applied
//   - grey from colour: (19595 R + 38470 G + 7471 B + 2^15) >> 16
//   - 16-bit colour keeps the high byte; 16-bit grey saturates: 256 and more become 255, as
//     Pillow's I;16 does
//   - EXIF orientation is not applied, as Image.open does not: the pixels are taken as stored
// Throws bad_input for what is truncated, corrupt or over the limits, unsupported for variants not
// read (animated WebP, run-length BMP, …). The messages do not name the file: use Error::within.
Image decode_image(std::span<const std::byte> bytes, ColorMode mode);

// Whether the file's name says that decode_image reads it: .jpg .jpeg .png .webp .bmp .pbm .pgm
// .ppm, in any case.
bool has_image_extension(const std::filesystem::path& path);

}  // namespace q8
