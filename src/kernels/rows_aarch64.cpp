#include "kernels/f32/depthwise_rows.h"
#include "kernels/f32/elementwise_rows.h"
#include "kernels/f32/gemm_kernels.h"
#include "kernels/f32/gemm_rows.h"
#include "kernels/f32/statistics_rows.h"
#include "kernels/f32/winograd_kernels.h"
#include "kernels/f32/winograd_rows.h"
#include "kernels/int8/depthwise_u8s8_rows.h"
#include "kernels/int8/gemm_u8s8_rows.h"
#include "kernels/int8/lookup_u8.h"
#include "kernels/int8/quantize_rows.h"
#include "kernels/int8/widen_u8_rows.h"
#include "kernels/transpose_rows.h"

// What there is for 64-bit ARM; rows_x86.cpp stands in its place on x86-64.

namespace q8 {

std::span<const GemmU8S8Row> gemm_u8s8_rows() {
  static constexpr GemmU8S8Row kRows[] = {
      {"neondot", Isa::kNeonDot, 4, 16, tile_u8s8_neondot},
      {"scalar", Isa::kScalar, 4, 16, tile_u8s8_scalar},
  };
  return kRows;
}

std::span<const DepthwiseU8S8Row> depthwise_u8s8_rows() {
  static constexpr DepthwiseU8S8Row kRows[] = {
      {"scalar", Isa::kScalar, depthwise_u8s8_scalar},
  };
  return kRows;
}

std::span<const QuantizeRow> quantize_rows() {
  static constexpr QuantizeRow kRows[] = {
      {"scalar", Isa::kScalar, quantize_scalar, dequantize_scalar, combine_u8_scalar, range_scalar},
  };
  return kRows;
}

std::span<const LookupU8Row> lookup_u8_rows() {
  static constexpr LookupU8Row kRows[] = {
      {"scalar", Isa::kScalar, lookup_u8_scalar},
  };
  return kRows;
}

std::span<const WidenU8Row> widen_u8_rows() {
  static constexpr WidenU8Row kRows[] = {
      {"scalar", Isa::kScalar, widen_u8_scalar},
  };
  return kRows;
}

std::span<const GemmF32Row> gemm_f32_rows() {
  static constexpr GemmF32Row kRows[] = {
      {"scalar", Isa::kScalar, 4, 8, 1, gemm_f32_tile_scalar},
  };
  return kRows;
}

std::span<const DepthwiseF32Row> depthwise_f32_rows() {
  static constexpr DepthwiseF32Row kRows[] = {
      {"scalar", Isa::kScalar, depthwise_f32_line_scalar},
  };
  return kRows;
}

std::span<const WinogradF32Row> winograd_f32_rows() {
  static constexpr WinogradF32Row kRows[] = {
      {"scalar", Isa::kScalar, winograd_f32_weights_scalar, winograd_f32_input_scalar,
       winograd_f32_output_scalar},
  };
  return kRows;
}

std::span<const ElementwiseF32Row> elementwise_f32_rows() {
  static constexpr ElementwiseF32Row kRows[] = {
      {"scalar", Isa::kScalar, &kElementwiseF32Scalar},
  };
  return kRows;
}

std::span<const StatisticsF32Row> statistics_f32_rows() {
  static constexpr StatisticsF32Row kRows[] = {
      {"scalar", Isa::kScalar, summarize_f32_scalar, column_extrema_f32_scalar,
       find_bins_f32_scalar},
  };
  return kRows;
}

std::span<const TransposeRow> transpose_rows() {
  static constexpr TransposeRow kRows[] = {
      {"scalar", Isa::kScalar, transpose_scalar_1, transpose_scalar_2, transpose_scalar_4,
       transpose_scalar_8},
  };
  return kRows;
}

}  // namespace q8
