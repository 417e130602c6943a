#include "kernels/int8/widen_u8_kernels.h"

namespace q8 {

void widen_u8_scalar(const WidenSpan& s) {
  for (std::int64_t r = 0; r < s.rows; ++r)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const std::uint8_t byte = s.q[r * s.columns + j];
      const std::int32_t q = s.is_signed ? static_cast<std::int8_t>(byte) : byte;
      s.out[r * s.columns + j] = static_cast<float>(q - s.zero_point[j]) * s.scale[j];
    }
}

}  // namespace q8
