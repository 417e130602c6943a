#include "kernels/peak_u8s8.h"

#include "kernels/peak_u8s8_kernels.h"

namespace q8 {

std::int64_t spin_u8s8(Isa isa, std::int64_t loops) {
  if (isa >= Isa::kAvx512Vnni) return spin_u8s8_avx512vnni(loops);
  if (isa >= Isa::kAvx2) return spin_u8s8_avx2(loops);
  volatile std::int32_t sum = 0;
  for (std::int64_t i = 0; i < loops; ++i) sum = sum + static_cast<std::int32_t>(i % 7) * 3;
  return 2 * loops;
}

}  // namespace q8
