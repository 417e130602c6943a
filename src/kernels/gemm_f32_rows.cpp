#include "kernels/gemm_f32_rows.h"

#include <array>

namespace q8 {

std::span<const GemmF32Row> gemm_f32_rows() {
  static constexpr std::array kRows = {
      GemmF32Row{"avx512", Isa::kAvx512, 12, 32, 4, gemm_f32_tile_avx512},
      GemmF32Row{"avx2", Isa::kAvx2, 6, 16, 5, gemm_f32_tile_avx2},
      GemmF32Row{"scalar", Isa::kScalar, 4, 8, 1, gemm_f32_tile_scalar},
  };
  return kRows;
}

}  // namespace q8
