#pragma once

#include <algorithm>
#include <cmath>

#include "ops/operator.h"
#include "tensor/dispatch.h"

namespace q8 {

// Sum of function(x[i]) in a fixed order: sixteen chains side by side, joined pairwise, in double.
// The same on every machine and thread count, and precise enough that a variance may be taken from
// it in two passes.
template <typename T, typename Function>
double lane_sum(const T* x, std::int64_t size, const Function& function) {
  constexpr std::int64_t kLanes = 16;
  double acc[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      acc[lane] += function(static_cast<double>(x[i + lane]));
  for (std::int64_t lane = 0; i < size; ++i, ++lane)
    acc[lane] += function(static_cast<double>(x[i]));
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2)
    for (std::int64_t lane = 0; lane < width; ++lane) acc[lane] += acc[lane + width];
  return acc[0];
}

struct Moments {
  double mean, inverse_deviation;  // 1 / √(variance + ε), the variance over n (biased)
};

template <typename T>
Moments moments(const T* x, std::int64_t size, double epsilon) {
  const double n = static_cast<double>(size);
  const double mean = lane_sum(x, size, [](double v) { return v; }) / n;
  const double variance =
      lane_sum(x, size, [mean](double v) { return (v - mean) * (v - mean); }) / n;
  return {mean, 1.0 / std::sqrt(variance + epsilon)};
}

// Rows that one thread takes at least.
inline std::int64_t row_grain(std::int64_t row_size) {
  return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(row_size, 1));
}

// Throws bad_input where a per-channel operand is not of one axis with `count` values of x's type.
inline void need_per_channel(const Tensor& operand, const Tensor& x, std::int64_t count,
                             std::string_view what) {
  if (operand.rank() != 1 || operand.size() != count || operand.dtype() != x.dtype())
    throw bad_input(std::string(what) + " must be " + std::string(dtype_name(x.dtype())) + "[" +
                    std::to_string(count) + "], found " + operand.str());
}

}  // namespace q8
