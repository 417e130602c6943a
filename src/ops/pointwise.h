#pragma once

#include "kernels/elementwise_f32.h"
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

}  // namespace q8
