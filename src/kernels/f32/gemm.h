#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/f32/indirect_gemm.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// C = epilogue(A · B), A [m, b.k()] with rows lda apart, C [m, b.n()] with rows ldc apart. m, n or
// k may be 0 (k = 0: the epilogue of 0). C must not overlap A; it may be the residual.
//
// Every element is one chain of fused multiply-adds, k ascending, then the epilogue: the same bits
// for every kernel row and number of threads.
void gemm_f32(std::int64_t m, const float* a, std::int64_t lda, const PackedF32& b, float* c,
              std::int64_t ldc, const EpilogueF32& epilogue, Threads& threads);

// `batch` products of two activations. Product i reads A at a + a_steps[i] and B at b.data +
// b_steps[i] and writes C at c + i · m · n (dense).
struct BatchedGemmF32 {
  std::int64_t batch = 1, m = 0;
  const float* a = nullptr;
  std::int64_t lda = 0;
  MatrixF32 b = {};
  const std::int64_t* a_steps = nullptr;  // [batch], in elements
  const std::int64_t* b_steps = nullptr;  // [batch]; equal neighbours are packed once
  float* c = nullptr;
  EpilogueF32 epilogue = {};  // no residual
};
void batched_gemm_f32(const KernelSet& kernels, const BatchedGemmF32& products, Threads& threads);

}  // namespace q8
