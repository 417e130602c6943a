#include <algorithm>

#include "base/rounding.h"
#include "kernels/int8/depthwise_u8s8_tile.h"

namespace q8 {

void depthwise_u8s8_scalar(const DepthwiseU8S8Tile& t) {
  for (std::int64_t i = 0; i < t.pixels; ++i)
    for (std::int64_t c = 0; c < t.channels; ++c) {
      auto sum = static_cast<std::uint32_t>(t.bias[c]);
      for (std::int64_t tap = 0; tap < t.taps; ++tap)
        sum += static_cast<std::uint32_t>(t.rows[tap * kDepthwiseRun + i][c] *
                                          t.weights[tap * t.weight_stride + c]);
      const std::int64_t at = i * t.out_stride + c;
      const auto total = static_cast<std::int32_t>(sum);
      switch (t.kind) {
        case OutputKind::kS32:
          static_cast<std::int32_t*>(t.out)[at] = total;
          break;
        case OutputKind::kByte: {
          const float y = std::clamp(static_cast<float>(total) * t.scale[c], t.low, t.high);
          static_cast<std::uint8_t*>(t.out)[at] = static_cast<std::uint8_t>(
              static_cast<std::int32_t>(round_half_even(y)) + t.zero_point);
          break;
        }
        case OutputKind::kF32:
          static_cast<float*>(t.out)[at] =
              std::clamp(static_cast<float>(total) * t.scale[c] + t.offset[c], t.low, t.high);
          break;
      }
    }
}

}  // namespace q8
