#include "kernels/indirection.h"

#include <algorithm>

namespace q8 {
namespace {

bool contains(std::int64_t size, std::int64_t index) {
  return index >= 0 && index < size;
}

}  // namespace

Indirection::Indirection(const ConvGeometry& geometry, std::int64_t row_bytes)
    : geometry_(geometry), output_(geometry.output()), row_bytes_(row_bytes) {
  const ConvGeometry& g = geometry_;
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t reach = g.dilation[d] * (g.kernel[d] - 1);
    // position · stride − pad >= 0 and position · stride − pad + reach < input
    inside_begin_[d] = (g.pad_begin[d] + g.stride[d] - 1) / g.stride[d];
    const std::int64_t last = g.input[d] - 1 - reach + g.pad_begin[d];
    inside_end_[d] = last < 0 ? 0 : std::min(output_[d], last / g.stride[d] + 1);
  }
  for (std::int64_t z = 0; z < g.kernel[0]; ++z)
    for (std::int64_t y = 0; y < g.kernel[1]; ++y)
      for (std::int64_t x = 0; x < g.kernel[2]; ++x)
        tap_offsets_.push_back(((z * g.dilation[0] * g.input[1] + y * g.dilation[1]) * g.input[2] +
                                x * g.dilation[2]) *
                               row_bytes_);
}

void Indirection::fill(const std::byte* image, const std::byte* padding_row, std::int64_t first,
                       std::int64_t count, std::int64_t leading, const std::byte** rows) const {
  const ConvGeometry& g = geometry_;
  std::int64_t x = first % output_[2];
  std::int64_t y = first / output_[2] % output_[1];
  std::int64_t z = first / output_[2] / output_[1];
  const std::int64_t step = g.stride[2] * row_bytes_;
  for (std::int64_t i = 0; i < count;) {
    const std::int64_t iz = z * g.stride[0] - g.pad_begin[0];
    const std::int64_t iy = y * g.stride[1] - g.pad_begin[1];
    const std::int64_t ix = x * g.stride[2] - g.pad_begin[2];
    const std::byte** row = rows + i;
    // The first tap may lie outside: the address is made from integers and used only inside.
    const std::int64_t origin = ((iz * g.input[1] + iy) * g.input[2] + ix) * row_bytes_;
    const bool inside = x >= inside_begin_[2] && x < inside_end_[2] && y >= inside_begin_[1] &&
                        y < inside_end_[1] && z >= inside_begin_[0] && z < inside_end_[0];
    std::int64_t pixels = 1;
    if (inside) {
      // All that lie inside of this line, tap by tap.
      pixels = std::min(count - i, inside_end_[2] - x);
      for (const std::int64_t offset : tap_offsets_) {
        const std::byte* from = image + (origin + offset);
        for (std::int64_t p = 0; p < pixels; ++p) row[p] = from + p * step;
        row += leading;
      }
    } else {
      const std::int64_t* offset = tap_offsets_.data();
      for (std::int64_t kz = 0; kz < g.kernel[0]; ++kz) {
        const bool z_inside = contains(g.input[0], iz + kz * g.dilation[0]);
        for (std::int64_t ky = 0; ky < g.kernel[1]; ++ky) {
          const bool y_inside = z_inside && contains(g.input[1], iy + ky * g.dilation[1]);
          for (std::int64_t kx = 0; kx < g.kernel[2]; ++kx, ++offset) {
            const bool is_inside = y_inside && contains(g.input[2], ix + kx * g.dilation[2]);
            *row = is_inside ? image + (origin + *offset) : padding_row;
            row += leading;
          }
        }
      }
    }
    i += pixels;
    x += pixels;
    if (x == output_[2]) {
      x = 0;
      if (++y == output_[1]) {
        y = 0;
        ++z;
      }
    }
  }
}

}  // namespace q8
