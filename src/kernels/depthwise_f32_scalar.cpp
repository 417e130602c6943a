#include <array>
#include <cmath>

#include "kernels/depthwise_f32_kernels.h"

namespace q8 {

void depthwise_f32_tile_scalar(const DepthwiseTileF32& t) {
  for (std::int64_t i = 0; i < t.pixels; ++i) {
    for (std::int64_t c = 0; c < t.channels; ++c) {
      float acc = 0;
      for (std::int64_t tap = 0; tap < t.taps; ++tap)
        acc = std::fma(t.rows[tap * t.leading + i][c], t.weights[tap * t.channels + c], acc);
      acc += t.bias[c];
      if (t.residual != nullptr) acc += t.residual[i * t.channels + c];
      acc = t.lo > acc ? t.lo : acc;
      t.out[i * t.channels + c] = t.hi < acc ? t.hi : acc;
    }
  }
}

std::span<const DepthwiseF32Row> depthwise_f32_rows() {
  static constexpr std::array kRows = {
      DepthwiseF32Row{"avx512", Isa::kAvx512, depthwise_f32_tile_avx512},
      DepthwiseF32Row{"avx2", Isa::kAvx2, depthwise_f32_tile_avx2},
      DepthwiseF32Row{"scalar", Isa::kScalar, depthwise_f32_tile_scalar},
  };
  return kRows;
}

}  // namespace q8
