#include <png.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

// What libpng's callbacks see. Errors leave through longjmp, so nothing with a destructor may live
// in the frames between: the message goes into a fixed buffer.
struct Source {
  std::span<const std::byte> bytes;
  std::size_t position = 0;
  char message[128] = {};
};

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->bytes.size() - source->position) png_error(png, "the file is truncated");
  std::memcpy(out, source->bytes.data() + source->position, count);
  source->position += count;
}

void fail(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof source->message - 1);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : source_{bytes} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, fail, ignore_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw resource_error("PNG: the decoder cannot be started");
    }
    png_set_read_fn(png_, &source_, read_bytes);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Both return false where libpng gave up.
  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // make_image sets the limit
    png_read_info(png_, info_);
    is_deep_grey_ = png_get_bit_depth(png_, info_) == 16 &&
                    png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY;
    png_set_palette_to_rgb(png_);
    if (png_get_bit_depth(png_, info_) < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if (!is_deep_grey_) png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    return true;
  }

  std::int64_t height() const { return png_get_image_height(png_, info_); }
  std::int64_t width() const { return png_get_image_width(png_, info_); }
  std::int64_t channels() const { return png_get_channels(png_, info_); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  bool is_deep_grey() const { return is_deep_grey_; }
  Error error() const { return bad_input(std::string("PNG: ") + source_.message); }

 private:
  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  bool is_deep_grey_ = false;
};

}  // namespace

Image decode_png(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  if (!reader.read_header()) throw reader.error();
  Image image = make_image(reader.height(), reader.width(), reader.channels());
  const std::size_t row_bytes = reader.row_bytes();
  const auto height = static_cast<std::size_t>(image.height);
  std::vector<std::uint8_t> deep(reader.is_deep_grey() ? height * row_bytes : 0);
  std::uint8_t* first = reader.is_deep_grey() ? deep.data() : image.pixels.data();
  Q8_ASSERT(reader.is_deep_grey() || height * row_bytes == image.pixels.size());
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = first + y * row_bytes;
  if (!reader.read_rows(rows.data())) throw reader.error();
  // Big-endian 16-bit grey: what does not fit into 8 bits is white.
  for (std::size_t i = 0; 2 * i < deep.size(); ++i)
    image.pixels[i] = deep[2 * i] != 0 ? 255 : deep[2 * i + 1];
  return image;
}

}  // namespace q8
