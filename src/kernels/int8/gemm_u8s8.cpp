#include "kernels/int8/gemm_u8s8.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "kernels/int8/indirect_gemm_u8s8.h"
#include "kernels/int8/stage_u8.h"

namespace q8 {

void gemm_u8s8(std::int64_t m, const ActivationsView& a, const PackedS8& b,
               const EpilogueU8S8& epilogue, void* c, std::int64_t c_stride, Threads& threads) {
  Q8_ASSERT(b.taps() == 1);
  const RowsU8 rows({.source = static_cast<const std::uint8_t*>(a.data),
                     .source_stride = a.row_stride,
                     .rows = m,
                     .bytes = b.k(),
                     .flip = a.is_signed},
                    threads);
  indirect_gemm_u8s8(
      {.m = m, .b = &b, .epilogue = &epilogue, .c = c, .c_stride = c_stride},
      [&](std::int64_t first, std::int64_t count, const std::uint8_t** out) {
        for (std::int64_t i = 0; i < count; ++i) out[i] = rows.data() + (first + i) * rows.stride();
      },
      threads);
}

void gemm_u8s8(std::int64_t m, const ActivationsView& a, const PackedS8& b,
               const OutputU8S8& output, void* c, std::int64_t c_stride, Threads& threads) {
  gemm_u8s8(m, a, b, EpilogueU8S8(b, epilogue_zero_point(a), output), c, c_stride, threads);
}

void batched_gemm_u8s8(const GemmU8S8Row& row, const BatchedGemmU8S8& p, Threads& threads) {
  const std::int64_t element = element_bytes(p.output.kind);
  const auto run = [&](std::int64_t begin, std::int64_t end, Threads& inner) {
    PackedS8 packed;
    for (std::int64_t i = begin; i < end; ++i) {
      if (i == begin || p.b_step != 0) {
        WeightsView b = p.b;
        b.data = static_cast<const char*>(p.b.data) + i * p.b_step;
        packed = PackedS8(row, b);
      }
      ActivationsView a = p.a;
      a.data = static_cast<const char*>(p.a.data) + i * p.a_step;
      gemm_u8s8(p.m, a, packed, p.output, static_cast<char*>(p.c) + i * p.c_step * element,
                p.c_stride, inner);
    }
  };
  // Whole products a thread, where there are enough of them.
  if (p.batch < threads.count() || p.b_step == 0) {
    run(0, p.batch, threads);
    return;
  }
  threads.parallel_for(p.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    Threads one(1);
    run(begin, end, one);
  });
}

}  // namespace q8
