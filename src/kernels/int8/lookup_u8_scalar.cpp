#include "kernels/int8/lookup_u8_kernels.h"

namespace q8 {

void lookup_u8_scalar(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                      std::uint8_t* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = table[x[i]];
}

}  // namespace q8
