#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "tensor/tensor.h"

namespace q8 {

struct KernelSet;  // kernels/kernel_set.h

// Writes x with its axes in another order: axis i of y is axis order[i] of x. `y` has the permuted
// shape and the element type of x; order is a permutation of the axes.
// With `kernels`, swapping two (merged) axes takes the kernel for it.
void permute(const Tensor& x, std::span<const std::int64_t> order, Tensor& y, Threads& threads,
             const KernelSet* kernels = nullptr);

}  // namespace q8
