#pragma once

#include "kernels/kernel_set.h"
#include "ops/operator.h"
#include "ops/window.h"

namespace q8 {

// How a pool makes one value of a window.
enum class PoolKindF32 {
  kLargest,
  kMean,        // of the elements that lie inside the input
  kPaddedMean,  // of those in the padding too, which are 0
};

// Pools of floats with channels last, by the kernels that join rows of channels. `outer` images of
// `channels`. The same order of operations as PoolLoops.
void pool_rows_f32(RunContext& run, const Window& window, std::int64_t outer, std::int64_t channels,
                   PoolKindF32 kind, const float* x, float* y);

// Over all pixels of each image.
void global_average_rows_f32(RunContext& run, std::int64_t images, std::int64_t pixels,
                             std::int64_t channels, const float* x, float* y);

}  // namespace q8
