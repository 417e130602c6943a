#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/int8/epilogue_u8s8.h"
#include "kernels/int8/packed_s8.h"

namespace q8 {

// The left-hand side of a product: m rows of k bytes, row i at data + i · row_stride. s8 becomes u8
// by XOR 0x80 on the fly, with its zero point raised by 128.
struct ActivationsView {
  const void* data = nullptr;
  bool is_signed = false;  // u8, else s8
  std::int32_t zero_point = 0;
  std::int64_t row_stride = 0;
};

// C = A·B with A [m, b.k()], B [b.k(), b.n()], C [m, b.n()] with rows c_stride elements apart (s32,
// f32 or bytes as the output's kind says). Exact in s32 (wraps around beyond). The result does not
// depend on the row of kernels nor on the number of threads.
void gemm_u8s8(std::int64_t m, const ActivationsView& a, const PackedS8& b,
               const OutputU8S8& output, void* c, std::int64_t c_stride, Threads& threads);

// The same with an epilogue made before, for the zero point epilogue_zero_point(a).
void gemm_u8s8(std::int64_t m, const ActivationsView& a, const PackedS8& b,
               const EpilogueU8S8& epilogue, void* c, std::int64_t c_stride, Threads& threads);

inline std::int32_t epilogue_zero_point(const ActivationsView& a) {
  return a.is_signed ? a.zero_point + 128 : a.zero_point;
}

// `batch` products of two activations: C[i] = A[i]·B[i], each B packed on the fly.
//   a, b        of the first product; the next ones lie a_step and b_step bytes (0: the same)
//   behind c           of the first product, rows c_stride elements apart; the next ones c_step
//   elements
//               behind
struct BatchedGemmU8S8 {
  std::int64_t batch = 1, m = 0;
  ActivationsView a = {};
  std::int64_t a_step = 0;
  WeightsView b = {};
  std::int64_t b_step = 0;
  OutputU8S8 output = {};
  void* c = nullptr;
  std::int64_t c_stride = 0, c_step = 0;
};
void batched_gemm_u8s8(const GemmU8S8Row& row, const BatchedGemmU8S8& products, Threads& threads);

}  // namespace q8
