#include "kernels/kernel_kinds.h"

#include <span>

#include "kernels/f32/statistics_rows.h"
#include "kernels/int8/lookup_u8.h"
#include "kernels/int8/widen_u8_rows.h"
#include "kernels/kernel_set.h"

namespace q8 {
namespace {

template <typename Row>
KernelKind kind(std::string_view name, std::span<const Row> rows) {
  KernelKind result{.name = name, .rows = {}};
  for (const Row& row : rows) result.rows.push_back({.name = row.name, .isa = row.isa});
  return result;
}

}  // namespace

std::vector<KernelKind> kernel_kinds() {
  return {kind("gemm_u8s8", gemm_u8s8_rows()),
          kind("depthwise_u8s8", depthwise_u8s8_rows()),
          kind("quantize", quantize_rows()),
          kind("lookup_u8", lookup_u8_rows()),
          kind("widen_u8", widen_u8_rows()),
          kind("gemm_f32", gemm_f32_rows()),
          kind("depthwise_f32", depthwise_f32_rows()),
          kind("winograd_f32", winograd_f32_rows()),
          kind("elementwise_f32", elementwise_f32_rows()),
          kind("statistics_f32", statistics_f32_rows()),
          kind("transpose", transpose_rows())};
}

}  // namespace q8
