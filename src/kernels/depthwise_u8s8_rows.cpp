#include "kernels/depthwise_u8s8_rows.h"

namespace q8 {

std::span<const DepthwiseU8S8Row> depthwise_u8s8_rows() {
  static constexpr DepthwiseU8S8Row kRows[] = {
      {"avx512vnni", Isa::kAvx512Vnni, depthwise_u8s8_avx512vnni},
      {"avx2", Isa::kAvx2, depthwise_u8s8_avx2},
      {"scalar", Isa::kScalar, depthwise_u8s8_scalar},
  };
  return kRows;
}

}  // namespace q8
