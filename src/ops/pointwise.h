#pragma once

#include "kernels/f32/elementwise.h"
#include "kernels/kernel_set.h"
#include "ops/elementwise.h"
#include "tensor/dispatch.h"

namespace q8 {

// An operator with one float or double input 0 and an output of its shape. `function` is called
// with float or double and gives the same type.
template <typename Function>
OpFunction pointwise_float(Function function) {
  return [function](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, T>(run, x, y, [function](T v) { return static_cast<T>(function(v)); });
    });
  };
}

// The same for every type that has arithmetic.
template <typename Function>
OpFunction pointwise_number(Function function) {
  return [function](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, T>(run, x, y, [function](T v) { return static_cast<T>(function(v)); });
    });
  };
}

// Float through a kernel, which has the same bits on every instruction set; other types by
// `otherwise`.
inline OpFunction pointwise_kernel(UnaryF32 op, OpFunction otherwise, float alpha = 0,
                                   float beta = 0) {
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != DType::kF32) {
      otherwise(run);
      return;
    }
    Tensor& y = run.output(0, x.dtype(), x.shape());
    map_f32(run.kernels, op, x.data<float>(), y.mutable_data<float>(), x.size(), run.threads, alpha,
            beta);
  };
}

// a op b of floats through a kernel, with broadcasting.
inline Tensor combine_kernel(RunContext& run, const Tensor& a, const Tensor& b, BinaryF32 op) {
  const Broadcast plan({&a.shape(), &b.shape()});
  Tensor y(DType::kF32, plan.shape(), run.allocator);
  const ElementwiseF32Functions& kernels = *run.kernels.elementwise_f32->functions;
  const auto at_op = static_cast<std::size_t>(op);
  // Where neither moves a run is one element.
  const BinaryFunctionF32 function = plan.advances(0) == plan.advances(1) ? kernels.binary[at_op]
                                     : plan.advances(0) ? kernels.binary_scalar_right[at_op]
                                                        : kernels.binary_scalar_left[at_op];
  const float *left = a.data<float>(), *right = b.data<float>();
  float* target = y.mutable_data<float>();
  run.threads.parallel_for(y.size(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
    plan.walk(begin, end, [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
      function(left + from[0], right + from[1], target + at, n);
    });
  });
  return y;
}

}  // namespace q8
