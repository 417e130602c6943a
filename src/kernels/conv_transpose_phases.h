#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv_geometry.h"

namespace q8 {

// A transposed convolution output by output: outputs whose position is the same modulo the stride
// read the same taps, so each such phase is an ordinary convolution with stride 1.
struct ConvTransposePhase {
  Spatial residue;  // the outputs o with (o + pad_begin) mod stride = residue in each dimension
  std::vector<std::int64_t> taps;  // of the kernel
  std::vector<Spatial> steps;      // input position = (o + pad_begin − residue) / stride + step
};
// Of the geometry kernel, stride and dilation count. A phase may have no taps.
std::vector<ConvTransposePhase> conv_transpose_phases(const ConvGeometry& geometry);

// The outputs of a phase in one line, one of the lines that the phase has outputs in.
class PhaseLine {
 public:
  // Of line y of plane z. geometry: of this run.
  PhaseLine(const ConvGeometry& geometry, const Spatial& output, const ConvTransposePhase& phase,
            std::int64_t z, std::int64_t y);

  std::int64_t count() const { return count_; }  // 0 where the phase has none here
  std::int64_t first() const { return first_; }  // the first output's column; a stride between them
  // The input pixel within its image that output `i` reads by a step, or −1 outside the image.
  std::int64_t pixel(std::int64_t i, const Spatial& step) const;

 private:
  Spatial input_;
  std::int64_t first_ = 0, count_ = 0;
  std::int64_t z_ = 0, y_ = 0, x_ = 0;  // of the input, for output 0 and no step
};

}  // namespace q8
