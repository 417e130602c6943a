#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/kernel_set.h"

namespace q8 {

// out[b][c][r] = in[b][r][c] for dense matrices [batch, rows, columns] of elements of 1, 2, 4 or 8
// bytes. NCHW → NHWC: rows = C, columns = H·W; NHWC → NCHW the other way round. in and out must not
// overlap.
struct Transpose {
  std::int64_t batch = 1, rows = 0, columns = 0;
  std::int64_t element_bytes = 4;
};
void transpose(const KernelSet& kernels, const Transpose& shape, const void* in, void* out,
               Threads& threads);

}  // namespace q8
