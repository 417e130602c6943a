#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv_geometry.h"

namespace q8 {

// Where a convolution without im2col finds its input: for an output pixel and a kernel tap, the row
// of channels of one input pixel, or a row that stands for padding.
//
// Pointers are made tile by tile, not kept in a table of all pixels: such a table needs 8 · taps
// bytes a pixel (150 MB for one 3×3 layer on a 1080p image) and must be rebuilt when a buffer
// moves. Pixels whose taps all lie inside cost one addition a pointer.
class Indirection {
 public:
  // row_bytes: distance between neighbouring pixels of the input.
  Indirection(const ConvGeometry& geometry, std::int64_t row_bytes);

  // The output pixels [first, first + count) of one image, in row-major order:
  //   rows[tap · leading + i]  the row that pixel first + i reads at `tap` (row-major in the
  //   kernel)
  // image: the first input pixel; padding_row: readable for as many channels as a row has.
  // Rows count … leading − 1 of each tap are left as they are.
  void fill(const std::byte* image, const std::byte* padding_row, std::int64_t first,
            std::int64_t count, std::int64_t leading, const std::byte** rows) const;

  // Whether all taps of these output pixels lie inside the input along its last dimension.
  bool lines_inside(std::int64_t first, std::int64_t count) const {
    const std::int64_t x = first % output_[2];
    return (inside_begin_[2] == 0 && inside_end_[2] == output_[2]) ||
           (x >= inside_begin_[2] && x + count <= inside_end_[2]);
  }

  std::int64_t taps() const { return static_cast<std::int64_t>(tap_offsets_.size()); }

 private:
  ConvGeometry geometry_;
  Spatial output_;
  std::int64_t row_bytes_;
  Spatial inside_begin_, inside_end_;      // output positions whose taps all lie inside
  std::vector<std::int64_t> tap_offsets_;  // bytes from the first tap of a pixel to each tap
};

}  // namespace q8
