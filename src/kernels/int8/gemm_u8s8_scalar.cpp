#include <algorithm>

#include "base/rounding.h"
#include "kernels/int8/gemm_u8s8_tile.h"

namespace q8 {
namespace {

// Unsigned arithmetic: wraps around where s32 would be undefined.
std::int32_t sum_of(const TileU8S8& t, int i, int j) {
  constexpr int kNr = 16;
  auto sum = static_cast<std::uint32_t>(t.bias[j]);
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const std::uint8_t* a = t.a[tap * t.rows + i];
    const std::int8_t* b = t.b + tap * t.k4 * kNr * 4;
    for (std::int64_t k = 0; k < 4 * t.k4; ++k)
      sum += static_cast<std::uint32_t>(a[k] * b[(k / 4) * kNr * 4 + j * 4 + k % 4]);
  }
  if (t.row_sum != nullptr)
    sum -= static_cast<std::uint32_t>(t.row_sum[i]) * static_cast<std::uint32_t>(t.b_zero_point[j]);
  return static_cast<std::int32_t>(sum);
}

}  // namespace

void tile_u8s8_scalar(const TileU8S8& t) {
  for (int i = 0; i < t.rows; ++i)
    for (int j = 0; j < t.columns; ++j) {
      const std::int32_t sum = sum_of(t, i, j);
      const std::int64_t at = i * t.out_stride + j;
      switch (t.kind) {
        case OutputKind::kS32:
          static_cast<std::int32_t*>(t.out)[at] = sum;
          break;
        case OutputKind::kByte: {
          const float y = std::clamp(static_cast<float>(sum) * t.scale[j], t.low, t.high);
          static_cast<std::uint8_t*>(t.out)[at] = static_cast<std::uint8_t>(
              static_cast<std::int32_t>(round_half_even(y)) + t.zero_point);
          break;
        }
        case OutputKind::kF32:
          static_cast<float*>(t.out)[at] =
              std::clamp(static_cast<float>(sum) * t.scale[j] + t.offset[j], t.low, t.high);
          break;
      }
    }
}

}  // namespace q8
