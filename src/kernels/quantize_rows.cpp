#include "kernels/quantize_rows.h"

namespace q8 {

std::span<const QuantizeRow> quantize_rows() {
  static constexpr QuantizeRow kRows[] = {
      {"scalar", Isa::kScalar, quantize_scalar, dequantize_scalar, combine_u8_scalar, range_scalar},
  };
  return kRows;
}

}  // namespace q8
