#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/conv_geometry.h"
#include "kernels/f32/packed.h"
#include "kernels/indirection.h"

namespace q8 {

// A convolution as a product: the weights of one group, [columns, channels, kernel…] as ONNX holds
// them. Where a pixel is too short a run for the inner loop, kernel rows become taps.
PackedF32 pack_conv_f32(const GemmF32Row& row, const ConvGeometry& geometry, const float* weights);

// Its left-hand side: where an output pixel finds what it reads. Made for one run of `in`, batch ×
// input pixels × channels, which must live as long; where kernel rows are taps, a padded copy is
// made.
class ConvRowsF32 {
 public:
  ConvRowsF32(const ConvGeometry& geometry, const PackedF32& weights, const float* in,
              Threads& threads);

  // rows[tap · leading + i]: the channels of output pixel first + i of an image at that tap.
  // Returns how many taps lie one behind the other for all these pixels; rows count groups of them.
  std::int64_t fill(std::int64_t image, std::int64_t first, std::int64_t count,
                    std::int64_t leading, const float** rows) const;

 private:
  // With kernel rows as taps, of the padded copy.
  const ConvGeometry geometry_;
  const AlignedBuffer<float> padded_;
  const float* in_;
  const Indirection taps_, kernel_rows_;
  const bool joins_;
  const std::vector<float> padding_;
};

}  // namespace q8
