#include "kernels/quantize_rows.h"

namespace q8 {

std::span<const QuantizeRow> quantize_rows() {
  static constexpr QuantizeRow kRows[] = {
      {"avx512", Isa::kAvx512, quantize_avx512, dequantize_avx512, combine_u8_avx512, range_avx512},
      {"avx2", Isa::kAvx2, quantize_avx2, dequantize_avx2, combine_u8_avx2, range_avx2},
      {"scalar", Isa::kScalar, quantize_scalar, dequantize_scalar, combine_u8_scalar, range_scalar},
  };
  return kRows;
}

}  // namespace q8
