#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/int8/depthwise_u8s8_tile.h"

// For the vector kernel files of depthwise convolutions; in an unnamed namespace, so that nothing
// of it is shared with files compiled for less.

namespace q8 {
namespace {

// s32 and f32 outputs of pixels [pixel, pixel + count) from sums of kBytes channels, or of
// kBytes / kPixels of each pixel, in lane order: dword 4·L + d of vector v, of four, is that of
// byte 16·L + 4·v + d.
template <int kBytes, int kPixels>
void store_wide(const DepthwiseU8S8Tile& t, std::int64_t pixel, std::int64_t count,
                std::int64_t channel, const std::int32_t* sums) {
  constexpr std::int64_t kChannels = kBytes / kPixels, kVector = kBytes / 4;
  for (std::int64_t p = 0; p < count; ++p)
    for (std::int64_t c = 0; c < kChannels && channel + c < t.channels; ++c) {
      const std::int64_t byte = p * kChannels + c;
      const std::int32_t total = sums[byte / 4 % 4 * kVector + byte / 16 * 4 + byte % 4];
      const std::int64_t at = (pixel + p) * t.out_stride + channel + c;
      if (t.kind == OutputKind::kS32) {
        static_cast<std::int32_t*>(t.out)[at] = total;
      } else {
        const float y = static_cast<float>(total) * t.scale[channel + c] + t.offset[channel + c];
        static_cast<float*>(t.out)[at] = y < t.low ? t.low : (t.high < y ? t.high : y);
      }
    }
}

}  // namespace
}  // namespace q8
