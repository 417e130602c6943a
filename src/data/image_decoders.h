#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "data/image.h"

// The decoders behind decode_image, one a format. Each returns three channels, or one where the
// file is grey, and throws as decode_image does.
namespace q8 {

Image decode_jpeg(std::span<const std::byte> bytes);
Image decode_png(std::span<const std::byte> bytes);
Image decode_webp(std::span<const std::byte> bytes);
Image decode_bmp(std::span<const std::byte> bytes);
Image decode_pnm(std::span<const std::byte> bytes);

// An image with room for its pixels, all zero. Throws bad_input for sides < 1 or more pixels than
// kMaxImagePixels: to be called before anything is allocated for a claimed size.
Image make_image(std::int64_t height, std::int64_t width, std::int64_t channels);

}  // namespace q8
