#include "kernels/conv_transpose_phases.h"

#include <cstddef>

namespace q8 {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

std::vector<ConvTransposePhase> conv_transpose_phases(const ConvGeometry& g) {
  std::vector<ConvTransposePhase> phases;
  for (std::int64_t p = 0; p < product(g.stride); ++p) {
    ConvTransposePhase phase;
    phase.residue = {p / g.stride[2] / g.stride[1], p / g.stride[2] % g.stride[1], p % g.stride[2]};
    for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
      const Spatial k = {tap / g.kernel[2] / g.kernel[1], tap / g.kernel[2] % g.kernel[1],
                         tap % g.kernel[2]};
      Spatial step;
      bool is_read = true;
      for (std::size_t d = 0; d < 3; ++d) {
        const std::int64_t reach = phase.residue[d] - k[d] * g.dilation[d];
        is_read = is_read && reach % g.stride[d] == 0;
        step[d] = reach / g.stride[d];
      }
      if (!is_read) continue;
      phase.taps.push_back(tap);
      phase.steps.push_back(step);
    }
    phases.push_back(std::move(phase));
  }
  return phases;
}

PhaseLine::PhaseLine(const ConvGeometry& g, const Spatial& output, const ConvTransposePhase& phase,
                     std::int64_t z, std::int64_t y)
    : input_(g.input) {
  const std::int64_t z0 = z + g.pad_begin[0] - phase.residue[0];
  const std::int64_t y0 = y + g.pad_begin[1] - phase.residue[1];
  if (z0 % g.stride[0] != 0 || y0 % g.stride[1] != 0) return;
  // The least column >= 0 with (column + pad) mod stride = residue.
  const std::int64_t x0 = phase.residue[2] - g.pad_begin[2];
  first_ = x0 - floor_div(x0, g.stride[2]) * g.stride[2];
  count_ = first_ >= output[2] ? 0 : (output[2] - 1 - first_) / g.stride[2] + 1;
  z_ = z0 / g.stride[0];
  y_ = y0 / g.stride[1];
  x_ = (first_ - x0) / g.stride[2];
}

std::int64_t PhaseLine::pixel(std::int64_t i, const Spatial& step) const {
  const std::int64_t z = z_ + step[0], y = y_ + step[1], x = x_ + i + step[2];
  const bool is_inside =
      z >= 0 && z < input_[0] && y >= 0 && y < input_[1] && x >= 0 && x < input_[2];
  return is_inside ? (z * input_[1] + y) * input_[2] + x : -1;
}

}  // namespace q8
