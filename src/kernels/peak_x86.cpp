#include "base/error.h"
#include "kernels/peak_f32.h"
#include "kernels/peak_f32_kernels.h"
#include "kernels/peak_u8s8.h"
#include "kernels/peak_u8s8_kernels.h"

namespace q8 {

std::int64_t spin_u8s8(Isa isa, std::int64_t loops) {
  if (isa >= Isa::kAvx512Vnni) return spin_u8s8_avx512vnni(loops);
  if (isa >= Isa::kAvx2) return spin_u8s8_avx2(loops);
  throw unsupported("the peak of byte products is measured on CPUs with AVX2 or AVX512-VNNI only");
}

std::int64_t spin_f32(Isa isa, std::int64_t loops) {
  if (isa >= Isa::kAvx512) return spin_f32_avx512(loops);
  if (isa >= Isa::kAvx2) return spin_f32_avx2(loops);
  throw unsupported("the peak of FP32 is measured on CPUs with AVX2 or AVX-512 only");
}

}  // namespace q8
