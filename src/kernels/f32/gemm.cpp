#include "kernels/f32/gemm.h"

namespace q8 {
namespace {

// Packing B costs as much as some rows of the product: only a batch of small products is cheaper
// spread over threads whole.
void products_on_this_thread(const KernelSet& kernels, const BatchedGemmF32& p, std::int64_t begin,
                             std::int64_t end, Threads& threads) {
  PackedF32 packed;
  for (std::int64_t i = begin; i < end; ++i) {
    if (i == begin || p.b_steps[i] != p.b_steps[i - 1]) {
      MatrixF32 b = p.b;
      b.data += p.b_steps[i];
      packed = PackedF32(*kernels.gemm_f32, b);
    }
    gemm_f32(p.m, p.a + p.a_steps[i], p.lda, packed, p.c + i * p.m * p.b.columns, p.b.columns,
             p.epilogue, threads);
  }
}

}  // namespace

void gemm_f32(std::int64_t m, const float* a, std::int64_t lda, const PackedF32& b, float* c,
              std::int64_t ldc, const EpilogueF32& epilogue, Threads& threads) {
  if (m == 0 || b.n() == 0) return;
  const IndirectGemmF32 gemm{.b = &b, .c = c, .ldc = ldc, .epilogue = epilogue};
  const auto fill = [&](std::int64_t first, std::int64_t count, std::int64_t, const float** rows) {
    for (std::int64_t i = 0; i < count; ++i) rows[i] = a + (first + i) * lda;
  };
  const GemmTasks tasks(m, b, threads.count());
  threads.parallel_for(tasks.count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) indirect_gemm_block(gemm, tasks.task(i), fill);
  });
}

void batched_gemm_f32(const KernelSet& kernels, const BatchedGemmF32& p, Threads& threads) {
  if (p.batch < threads.count()) {
    products_on_this_thread(kernels, p, 0, p.batch, threads);
    return;
  }
  threads.parallel_for(p.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    Threads one(1);
    products_on_this_thread(kernels, p, begin, end, one);
  });
}

}  // namespace q8
