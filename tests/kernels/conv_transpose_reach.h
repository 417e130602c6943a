#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_geometry.h"

namespace q8 {

// The definition of ConvTranspose in its scattering form: calls reach(input pixel, tap, output
// pixel) for every output inside the image that an input reaches.
template <typename Reach>
void for_each_reach(const ConvGeometry& g, const Spatial& size, Reach&& reach) {
  for (std::int64_t i = 0; i < g.batch * product(g.input); ++i)
    for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
      const Spatial in = {i / g.input[2] / g.input[1] % g.input[0], i / g.input[2] % g.input[1],
                          i % g.input[2]};
      const Spatial k = {tap / g.kernel[2] / g.kernel[1], tap / g.kernel[2] % g.kernel[1],
                         tap % g.kernel[2]};
      std::int64_t pixel = i / product(g.input);
      bool is_inside = true;
      for (std::size_t d = 0; d < 3; ++d) {
        const std::int64_t o = in[d] * g.stride[d] + k[d] * g.dilation[d] - g.pad_begin[d];
        is_inside = is_inside && o >= 0 && o < size[d];
        pixel = pixel * size[d] + o;
      }
      if (is_inside) reach(i, tap, pixel);
    }
}

}  // namespace q8
