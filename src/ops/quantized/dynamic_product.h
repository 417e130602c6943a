#pragma once

#include <span>
#include <vector>

#include "kernels/int8/packed_s8.h"
#include "kernels/kernel_set.h"
#include "ops/operator.h"

namespace q8 {

// Float activations times a matrix of bytes [k, n]: the activations become u8 by their own range
// while it runs (DynamicQuantizeLinear), the product is in integers, the result in float.
class DynamicProduct {
 public:
  DynamicProduct() = default;
  // `scale`: one, or one a column. Throws bad_input where their number does not fit.
  DynamicProduct(const KernelSet& kernels, const WeightsView& weights, std::vector<float> scale);

  std::int64_t k() const { return packed_.k(); }
  std::int64_t n() const { return packed_.n(); }
  // y [rows, n()] = x [rows, k()] · W + bias; one range for all of x. `bias`: n() values or none.
  void run(std::int64_t rows, const float* x, std::span<const float> bias, float* y,
           RunContext& context) const;

 private:
  PackedS8 packed_;
  std::vector<float> scale_;
};

}  // namespace q8
