#include "kernels/kernel_set.h"

#include "kernels/isa_rows.h"

namespace q8 {

KernelSet make_kernel_set(Isa max) {
  KernelSet set;
  set.max_isa = max;
  set.gemm_f32 = &select(gemm_f32_rows(), max);
  set.depthwise_f32 = &select(depthwise_f32_rows(), max);
  set.winograd_f32 = &select(winograd_f32_rows(), max);
  set.elementwise_f32 = &select(elementwise_f32_rows(), max);
  set.transpose = &select(transpose_rows(), max);
  set.gemm_u8s8 = &select(gemm_u8s8_rows(), max);
  set.depthwise_u8s8 = &select(depthwise_u8s8_rows(), max);
  set.quantize = &select(quantize_rows(), max);
  return set;
}

}  // namespace q8
