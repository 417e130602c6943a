#include <cmath>

#include "kernels/f32/depthwise_kernels.h"

namespace q8 {

void depthwise_f32_line_scalar(const DepthwiseLineF32& t) {
  for (std::int64_t i = 0; i < t.pixels; ++i) {
    for (std::int64_t c = t.offset; c < t.offset + t.channels; ++c) {
      const float* weight = t.weights + c;
      float acc = 0;
      for (std::int64_t r = 0; r < t.kernel_rows; ++r)
        for (std::int64_t x = 0; x < t.kernel_width; ++x, weight += t.weight_stride) {
          const std::int64_t pixel = i * t.stride + x * t.dilation - t.pad;
          if (t.rows[r] == nullptr || pixel < 0 || pixel >= t.in_pixels) continue;
          acc = std::fma(t.rows[r][pixel * t.in_stride + c], *weight, acc);
        }
      acc += t.bias[c];
      if (t.residual != nullptr) acc += t.residual[i * t.out_stride + c];
      acc = t.lo > acc ? t.lo : acc;
      t.out[i * t.out_stride + c] = t.hi < acc ? t.hi : acc;
    }
  }
}

}  // namespace q8
