#pragma once

#include "base/isa.h"
#include "kernels/f32/depthwise_rows.h"
#include "kernels/f32/elementwise_rows.h"
#include "kernels/f32/gemm_rows.h"
#include "kernels/f32/winograd_rows.h"
#include "kernels/int8/depthwise_u8s8_rows.h"
#include "kernels/int8/gemm_u8s8_rows.h"
#include "kernels/int8/quantize_rows.h"
#include "kernels/transpose_rows.h"

namespace q8 {

// The kernels a session computes with, one row of each kind, chosen once.
struct KernelSet {
  Isa max_isa = Isa::kScalar;
  const GemmF32Row* gemm_f32 = nullptr;
  const DepthwiseF32Row* depthwise_f32 = nullptr;
  const WinogradF32Row* winograd_f32 = nullptr;
  const ElementwiseF32Row* elementwise_f32 = nullptr;
  const TransposeRow* transpose = nullptr;
  const GemmU8S8Row* gemm_u8s8 = nullptr;
  const DepthwiseU8S8Row* depthwise_u8s8 = nullptr;
  const QuantizeRow* quantize = nullptr;
};

// The best rows that this CPU has and `max` allows.
KernelSet make_kernel_set(Isa max = best_isa());

}  // namespace q8
