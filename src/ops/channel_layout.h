#pragma once

#include "ops/operator.h"
#include "ops/permute.h"

namespace q8 {

// [N, C, spatial …] as [N, spatial …, C] and back; the tensor itself where nothing moves.
inline Tensor to_channels_last(const Tensor& x, RunContext& run) {
  if (x.rank() < 3) return x;
  std::vector<std::int64_t> order{0}, dims{x.shape()[0]};
  for (std::int64_t axis = 2; axis <= x.rank(); ++axis) {
    order.push_back(axis == x.rank() ? 1 : axis);
    dims.push_back(x.shape()[order.back()]);
  }
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, y, run.threads);
  return y;
}

inline Tensor to_channels_first(const Tensor& x, RunContext& run) {
  if (x.rank() < 3) return x;
  std::vector<std::int64_t> order{0, x.rank() - 1}, dims{x.shape()[0], x.shape().back()};
  for (std::int64_t axis = 1; axis + 1 < x.rank(); ++axis) {
    order.push_back(axis);
    dims.push_back(x.shape()[axis]);
  }
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, y, run.threads);
  return y;
}

}  // namespace q8
