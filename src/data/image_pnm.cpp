#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/rounding.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

// Numbers separated by white space and comments.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void skip(std::size_t count) { position_ = std::min(text_.size(), position_ + count); }
  std::string_view rest() const { return text_.substr(position_); }

  std::int64_t number() {
    skip_space();
    std::int64_t value = 0;
    const std::size_t first = position_;
    while (position_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[position_]))) {
      value = value * 10 + (text_[position_++] - '0');
      if (value > 0x7fffffff) throw bad_input("PNM: a number is too large");
    }
    if (position_ == first) throw unexpected();
    return value;
  }
  std::int64_t bit() {  // plain bitmaps need no space between their digits
    skip_space();
    if (position_ >= text_.size() || (text_[position_] != '0' && text_[position_] != '1'))
      throw unexpected();
    return text_[position_++] - '0';
  }

 private:
  Error unexpected() const {
    return bad_input(position_ >= text_.size()
                         ? "PNM: the file is truncated"
                         : "PNM: a number is expected at byte " + std::to_string(position_));
  }
  void skip_space() {
    while (position_ < text_.size()) {
      if (text_[position_] == '#') {
        position_ = std::min(text_.size(), text_.find_first_of("\r\n", position_));
      } else if (std::isspace(static_cast<unsigned char>(text_[position_]))) {
        ++position_;
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

// value / max on the scale of 8 bits. Deep grey goes through 16 bits and saturates there, which is
// what Pillow's mode I does when it becomes L.
std::uint8_t to_8_bits(std::int64_t value, std::int64_t max, bool is_grey) {
  const bool is_deep_grey = is_grey && max > 255;
  const double top = is_deep_grey ? 65535 : 255;
  const double scaled =
      round_half_even(static_cast<double>(value) / static_cast<double>(max) * top);
  return static_cast<std::uint8_t>(std::min(scaled, 255.0));
}

}  // namespace

Image decode_pnm(std::span<const std::byte> bytes) {
  Scanner scanner({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const int kind = static_cast<int>(scanner.rest()[1] - '0');  // checked by decode_image
  const bool is_plain = kind <= 3;
  const bool is_bitmap = kind == 1 || kind == 4;
  const bool is_grey = kind != 3 && kind != 6;
  scanner.skip(2);
  const std::int64_t width = scanner.number(), height = scanner.number();
  const std::int64_t max = is_bitmap ? 1 : scanner.number();
  if (max < 1 || max > 65535)
    throw bad_input("PNM: the largest value is " + std::to_string(max) +
                    ": 1 to 65535 is expected");
  Image image = make_image(height, width, is_grey ? 1 : 3);
  const auto next_value = [&](std::int64_t value) {
    if (value > max)
      throw bad_input("PNM: " + std::to_string(value) + " is above the largest value " +
                      std::to_string(max));
    return to_8_bits(value, max, is_grey);
  };
  if (is_plain) {
    for (std::uint8_t& pixel : image.pixels)
      pixel = is_bitmap ? (scanner.bit() != 0 ? std::uint8_t{0} : std::uint8_t{255})
                        : next_value(scanner.number());
    return image;
  }
  scanner.skip(1);  // one white space ends the header
  const std::string_view data = scanner.rest();
  const std::size_t value_bytes = max > 255 ? 2 : 1;
  const std::size_t bitmap_row = static_cast<std::size_t>(width + 7) / 8;
  const std::size_t needed =
      is_bitmap ? bitmap_row * static_cast<std::size_t>(height) : image.pixels.size() * value_bytes;
  if (data.size() < needed) throw bad_input("PNM: the file is truncated");
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    if (is_bitmap) {
      const std::size_t y = i / static_cast<std::size_t>(width);
      const std::size_t x = i % static_cast<std::size_t>(width);
      const bool is_black = (byte_at(y * bitmap_row + x / 8) >> (7 - x % 8) & 1) != 0;
      image.pixels[i] = is_black ? 0 : 255;
    } else if (value_bytes == 2) {
      image.pixels[i] = next_value(byte_at(2 * i) << 8 | byte_at(2 * i + 1));
    } else {
      image.pixels[i] = max == 255 ? byte_at(i) : next_value(byte_at(i));
    }
  }
  return image;
}

}  // namespace q8
