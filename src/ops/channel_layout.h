#pragma once

#include "kernels/transpose.h"
#include "ops/operator.h"

namespace q8 {

// [N, C, spatial …] as [N, spatial …, C] and back; shares the memory where nothing moves.
inline Tensor to_channels_last(const Tensor& x, RunContext& run) {
  if (x.rank() < 3) return x;
  std::vector<std::int64_t> dims{x.shape()[0]};
  dims.insert(dims.end(), x.shape().begin() + 2, x.shape().end());
  dims.push_back(x.shape()[1]);
  const std::int64_t channels = x.shape()[1], pixels = x.shape().count(2, x.rank());
  if (channels == 1 || pixels == 1) return x.reshaped(Shape(std::move(dims)));
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  transpose(run.kernels,
            {.batch = x.shape()[0],
             .rows = channels,
             .columns = pixels,
             .element_bytes = static_cast<std::int64_t>(dtype_size(x.dtype()))},
            x.bytes(), y.mutable_bytes(), run.threads);
  return y;
}

inline Tensor to_channels_first(const Tensor& x, RunContext& run) {
  if (x.rank() < 3) return x;
  std::vector<std::int64_t> dims{x.shape()[0], x.shape().back()};
  dims.insert(dims.end(), x.shape().begin() + 1, x.shape().end() - 1);
  const std::int64_t channels = x.shape().back(), pixels = x.shape().count(1, x.rank() - 1);
  if (channels == 1 || pixels == 1) return x.reshaped(Shape(std::move(dims)));
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  transpose(run.kernels,
            {.batch = x.shape()[0],
             .rows = pixels,
             .columns = channels,
             .element_bytes = static_cast<std::int64_t>(dtype_size(x.dtype()))},
            x.bytes(), y.mutable_bytes(), run.threads);
  return y;
}

}  // namespace q8
