#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

struct FrameHeader {
  std::int64_t height, width;
  int components;
};

// The first start-of-frame segment (ITU-T T.81, B.2.2). The library's own header call refuses rare
// chroma subsamplings that its decoder reads.
FrameHeader read_frame_header(std::span<const std::byte> bytes) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  std::size_t i = 2;
  while (i + 4 <= bytes.size()) {
    if (at(i) != 0xFF) {
      ++i;  // garbage between segments: decoders skip it
      continue;
    }
    const unsigned marker = at(i + 1);
    if (marker == 0xFF) {
      ++i;  // fill byte
      continue;
    }
    if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      i += 2;  // no length
      continue;
    }
    if (marker == 0xD9 || marker == 0xDA) break;
    const bool is_frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      if (i + 10 > bytes.size()) break;
      return {at(i + 5) << 8 | at(i + 6), at(i + 7) << 8 | at(i + 8), static_cast<int>(at(i + 9))};
    }
    i += 2 + (at(i + 2) << 8 | at(i + 3));
  }
  throw bad_input("JPEG: no frame header before the end of the file: it is truncated or damaged");
}

// (a * b / 255) rounded, without a division.
unsigned scaled(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

// Adobe's CMYK is stored inverted: 255 is no ink. Each colour is what its ink and black leave.
Image rgb_of_inverted_cmyk(const Image& cmyk) {
  Image rgb = make_image(cmyk.height, cmyk.width, 3);
  const std::uint8_t* in = cmyk.pixels.data();
  for (std::size_t i = 0; i < rgb.pixels.size(); i += 3, in += 4) {
    const unsigned light = in[3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned ink = 255u - in[c];
      const unsigned absorbed = scaled(ink, light);
      rgb.pixels[i + c] = static_cast<std::uint8_t>(light > absorbed ? light - absorbed : 0);
    }
  }
  return rgb;
}

// Whether no end marker follows the last scan.
bool is_cut(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto end = text.rfind("\xFF\xD9"), scan = text.rfind("\xFF\xDA");
  return end == std::string_view::npos || (scan != std::string_view::npos && end < scan);
}

// What libjpeg only warns of, and Pillow says nothing about: the picture is whole but for a few
// blocks. The library's error code cannot tell: it says "warning" after any warning, even where a
// fatal error came next. The message is the fatal error's then.
bool is_repaired_damage(std::string_view message) {
  for (const std::string_view known :
       {"Corrupt JPEG data", "Unknown Adobe color transform", "Inconsistent progression sequence",
        "Invalid SOS parameters"})
    if (message.starts_with(known)) return true;
  return false;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes) {
  const FrameHeader header = read_frame_header(bytes);
  if (header.components != 1 && header.components != 3 && header.components != 4)
    throw unsupported("JPEG: " + std::to_string(header.components) +
                      " components: 1 (grey), 3 (colour) or 4 (CMYK) can be read");
  Image image = make_image(header.height, header.width, header.components);
  const int format = image.channels == 1 ? TJPF_GRAY : image.channels == 3 ? TJPF_RGB : TJPF_CMYK;
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (decoder == nullptr) throw resource_error("JPEG: the decoder cannot be started");
  const int failed =
      tjDecompress2(decoder.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), image.pixels.data(), static_cast<int>(image.width), 0,
                    static_cast<int>(image.height), format, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  if (failed != 0) {
    const std::string message = tjGetErrorStr2(decoder.get());
    if (is_cut(bytes)) throw bad_input("JPEG: the file is truncated (" + message + ")");
    if (!is_repaired_damage(message)) throw bad_input("JPEG: " + message);
  }
  return image.channels == 4 ? rgb_of_inverted_cmyk(image) : image;
}

}  // namespace q8
