#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

// Little-endian numbers at offsets; past the end is an error of the file.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint32_t u8(std::size_t at) const {
    if (at >= bytes_.size()) throw bad_input("BMP: the file is truncated");
    return std::to_integer<std::uint32_t>(bytes_[at]);
  }
  std::uint32_t u16(std::size_t at) const { return u8(at) | u8(at + 1) << 8; }
  std::uint32_t u32(std::size_t at) const { return u16(at) | u16(at + 2) << 16; }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

// The bits of one colour inside a pixel.
struct Field {
  int shift = 0;
  std::uint32_t max = 0;  // 2^bits − 1
  static Field of(std::uint32_t mask) {
    if (mask == 0) return {};
    const int shift = std::countr_zero(mask);
    const std::uint32_t max = mask >> shift;
    if ((max & (max + 1)) != 0 || max > 255)
      throw unsupported("BMP: a colour mask whose bits are not one run of at most 8");
    return {shift, max};
  }
  std::uint8_t value(std::uint32_t pixel) const {
    return max == 0 ? std::uint8_t{0}
                    : static_cast<std::uint8_t>((pixel >> shift & max) * 255 / max);
  }
};

struct Header {
  std::int64_t width = 0, height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::size_t pixels_at = 0, palette_at = 0, palette_entry = 4, palette_size = 0;
  std::array<Field, 3> fields;  // red, green, blue; for 16 and 32 bits
};

constexpr std::uint32_t kRaw = 0, kBitFields = 3;

Header read_header(const Bytes& b) {
  Header h;
  h.pixels_at = b.u32(10);
  const std::uint32_t header_size = b.u32(14);
  const bool is_core = header_size == 12;
  if (!is_core && (header_size < 40 || header_size > 124))
    throw unsupported("BMP: a header of " + std::to_string(header_size) + " bytes");
  std::uint32_t compression = kRaw, colors = 0;
  if (is_core) {
    h.width = b.u16(18);
    h.height = b.u16(20);
    h.bits = b.u16(24);
    h.palette_entry = 3;
  } else {
    h.width = static_cast<std::int32_t>(b.u32(18));
    h.height = static_cast<std::int32_t>(b.u32(22));
    h.bits = b.u16(28);
    compression = b.u32(30);
    colors = b.u32(46);
  }
  h.top_down = h.height < 0;
  h.height = h.top_down ? -h.height : h.height;
  if (compression != kRaw && compression != kBitFields)
    throw unsupported("BMP: compressed pixels (method " + std::to_string(compression) +
                      ") cannot be read");
  h.palette_at = 14 + header_size;
  if (h.bits <= 8) {
    const std::uint32_t most = h.bits < 1 ? 0 : 1u << h.bits;
    h.palette_size = colors == 0 ? most : std::min(colors, most);
  }
  std::array<std::uint32_t, 3> masks = {0xFF0000, 0xFF00, 0xFF};
  if (h.bits == 16) masks = {0x7C00, 0x3E0, 0x1F};
  if (compression == kBitFields) {  // behind a 40-byte header, inside the longer ones: same place
    masks = {b.u32(54), b.u32(58), b.u32(62)};
    if (masks == std::array<std::uint32_t, 3>{}) masks = {0xFF0000, 0xFF00, 0xFF};
  }
  for (std::size_t c = 0; c < 3; ++c) h.fields[c] = Field::of(masks[c]);
  return h;
}

}  // namespace

Image decode_bmp(std::span<const std::byte> bytes) {
  const Bytes b(bytes);
  const Header h = read_header(b);
  if (h.bits != 1 && h.bits != 4 && h.bits != 8 && h.bits != 16 && h.bits != 24 && h.bits != 32)
    throw unsupported("BMP: " + std::to_string(h.bits) + " bits a pixel");
  Image image = make_image(h.height, h.width, 3);
  const auto width = static_cast<std::size_t>(h.width), height = static_cast<std::size_t>(h.height);
  const std::size_t row_bytes = (width * h.bits + 31) / 32 * 4;
  // Subtraction, so that a crafted offset cannot wrap around.
  if (h.pixels_at > b.size() || b.size() - h.pixels_at < row_bytes * (height - 1))
    throw bad_input("BMP: the file is truncated");
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t row = h.pixels_at + (h.top_down ? y : height - 1 - y) * row_bytes;
    std::uint8_t* out = image.pixels.data() + y * width * 3;
    for (std::size_t x = 0; x < width; ++x, out += 3) {
      if (h.bits <= 8) {
        const std::size_t bit = x * h.bits;
        const std::uint32_t index =
            b.u8(row + bit / 8) >> (8 - h.bits - bit % 8) & ((1u << h.bits) - 1);
        if (index >= h.palette_size)
          throw bad_input("BMP: colour " + std::to_string(index) + " is outside the palette");
        const std::size_t entry = h.palette_at + index * h.palette_entry;
        for (std::size_t c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(b.u8(entry + 2 - c));
      } else if (h.bits == 24) {
        for (std::size_t c = 0; c < 3; ++c)
          out[c] = static_cast<std::uint8_t>(b.u8(row + x * 3 + 2 - c));
      } else {
        const std::uint32_t pixel = h.bits == 16 ? b.u16(row + x * 2) : b.u32(row + x * 4);
        for (std::size_t c = 0; c < 3; ++c) out[c] = h.fields[c].value(pixel);
      }
    }
  }
  return image;
}

}  // namespace q8
