#include "kernels/gemm_u8s8_rows.h"

namespace q8 {

std::span<const GemmU8S8Row> gemm_u8s8_rows() {
  static constexpr GemmU8S8Row kRows[] = {
      {"amx", Isa::kAmx, 32, 32, tile_u8s8_amx},
      {"avx512vnni", Isa::kAvx512Vnni, 12, 32, tile_u8s8_avx512vnni},
      {"avxvnni", Isa::kAvxVnni, 6, 16, tile_u8s8_avxvnni},
      {"avx2", Isa::kAvx2, 4, 16, tile_u8s8_avx2},
      {"scalar", Isa::kScalar, 4, 16, tile_u8s8_scalar},
  };
  return kRows;
}

}  // namespace q8
