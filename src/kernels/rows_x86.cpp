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

// What there is for x86-64; rows_aarch64.cpp stands in its place on 64-bit ARM.

namespace q8 {

std::span<const GemmU8S8Row> gemm_u8s8_rows() {
  static constexpr GemmU8S8Row kRows[] = {
      {"amx", Isa::kAmx, 64, 32, nullptr, &kStripU8S8Amx},
      {"avx512vnni", Isa::kAvx512Vnni, 12, 32, tile_u8s8_avx512vnni},
      {"avxvnni", Isa::kAvxVnni, 6, 16, tile_u8s8_avxvnni},
      {"avx2", Isa::kAvx2, 6, 16, nullptr, &kStripU8S8Avx2},
      {"scalar", Isa::kScalar, 4, 16, tile_u8s8_scalar},
  };
  return kRows;
}

std::span<const DepthwiseU8S8Row> depthwise_u8s8_rows() {
  static constexpr DepthwiseU8S8Row kRows[] = {
      {"avx512vnni", Isa::kAvx512Vnni, depthwise_u8s8_avx512vnni},
      {"avx2", Isa::kAvx2, depthwise_u8s8_avx2},
      {"scalar", Isa::kScalar, depthwise_u8s8_scalar},
  };
  return kRows;
}

std::span<const QuantizeRow> quantize_rows() {
  static constexpr QuantizeRow kRows[] = {
      {"avx512", Isa::kAvx512, quantize_avx512, dequantize_avx512, combine_u8_avx512, range_avx512},
      {"avx2", Isa::kAvx2, quantize_avx2, dequantize_avx2, combine_u8_avx2, range_avx2},
      {"scalar", Isa::kScalar, quantize_scalar, dequantize_scalar, combine_u8_scalar, range_scalar},
  };
  return kRows;
}

std::span<const LookupU8Row> lookup_u8_rows() {
  static constexpr LookupU8Row kRows[] = {
      {"avx512", Isa::kAvx512, lookup_u8_avx512},
      {"avx2", Isa::kAvx2, lookup_u8_avx2},
      {"scalar", Isa::kScalar, lookup_u8_scalar},
  };
  return kRows;
}

std::span<const WidenU8Row> widen_u8_rows() {
  static constexpr WidenU8Row kRows[] = {
      {"avx512", Isa::kAvx512, widen_u8_avx512},
      {"avx2", Isa::kAvx2, widen_u8_avx2},
      {"scalar", Isa::kScalar, widen_u8_scalar},
  };
  return kRows;
}

std::span<const GemmF32Row> gemm_f32_rows() {
  static constexpr GemmF32Row kRows[] = {
      {"avx512", Isa::kAvx512, 12, 32, 4, gemm_f32_tile_avx512},
      {"avx2", Isa::kAvx2, 6, 16, 5, gemm_f32_tile_avx2},
      {"scalar", Isa::kScalar, 4, 8, 1, gemm_f32_tile_scalar},
  };
  return kRows;
}

std::span<const DepthwiseF32Row> depthwise_f32_rows() {
  static constexpr DepthwiseF32Row kRows[] = {
      {"avx512", Isa::kAvx512, depthwise_f32_line_avx512},
      {"avx2", Isa::kAvx2, depthwise_f32_line_avx2},
      {"scalar", Isa::kScalar, depthwise_f32_line_scalar},
  };
  return kRows;
}

std::span<const WinogradF32Row> winograd_f32_rows() {
  static constexpr WinogradF32Row kRows[] = {
      {"avx512", Isa::kAvx512, winograd_f32_weights_avx512, winograd_f32_input_avx512,
       winograd_f32_output_avx512},
      {"avx2", Isa::kAvx2, winograd_f32_weights_avx2, winograd_f32_input_avx2,
       winograd_f32_output_avx2},
      {"scalar", Isa::kScalar, winograd_f32_weights_scalar, winograd_f32_input_scalar,
       winograd_f32_output_scalar},
  };
  return kRows;
}

std::span<const ElementwiseF32Row> elementwise_f32_rows() {
  static constexpr ElementwiseF32Row kRows[] = {
      {"avx512", Isa::kAvx512, &kElementwiseF32Avx512},
      {"avx2", Isa::kAvx2, &kElementwiseF32Avx2},
      {"scalar", Isa::kScalar, &kElementwiseF32Scalar},
  };
  return kRows;
}

std::span<const StatisticsF32Row> statistics_f32_rows() {
  static constexpr StatisticsF32Row kRows[] = {
      {"avx512", Isa::kAvx512, summarize_f32_avx512, column_extrema_f32_avx512,
       find_bins_f32_avx512},
      {"avx2", Isa::kAvx2, summarize_f32_avx2, column_extrema_f32_avx2, find_bins_f32_avx2},
      {"scalar", Isa::kScalar, summarize_f32_scalar, column_extrema_f32_scalar,
       find_bins_f32_scalar},
  };
  return kRows;
}

std::span<const TransposeRow> transpose_rows() {
  static constexpr TransposeRow kRows[] = {
      {"avx2", Isa::kAvx2, transpose_avx2_1, transpose_avx2_2, transpose_avx2_4,
       transpose_scalar_8},
      {"scalar", Isa::kScalar, transpose_scalar_1, transpose_scalar_2, transpose_scalar_4,
       transpose_scalar_8},
  };
  return kRows;
}

}  // namespace q8
