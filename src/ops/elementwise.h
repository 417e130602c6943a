#pragma once

#include "ops/broadcast.h"
#include "ops/operator.h"

namespace q8 {

// Elements a thread takes at least: less is not worth waking it.
constexpr std::int64_t kElementwiseGrain = 16384;

// y[i] = function(x[i]). T and R are the element types of x and y.
template <typename T, typename R, typename Function>
void map_elements(RunContext& run, const Tensor& x, Tensor& y, Function function) {
  const T* source = x.data<T>();
  R* target = y.mutable_data<R>();
  run.threads.parallel_for(x.size(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) target[i] = function(source[i]);
  });
}

// function(a, b) with broadcasting, a tensor of R. A and B are the element types.
template <typename A, typename B, typename R, typename Function>
Tensor combine_elements(RunContext& run, const Tensor& a, const Tensor& b, Function function) {
  const Broadcast plan({&a.shape(), &b.shape()});
  Tensor y(dtype_of<R>(), plan.shape(), run.allocator);
  const A* left = a.data<A>();
  const B* right = b.data<B>();
  R* target = y.mutable_data<R>();
  run.threads.parallel_for(y.size(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
    plan.walk(begin, end, [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
      const A* l = left + from[0];
      const B* r = right + from[1];
      R* out = target + at;
      if (plan.advances(0) && plan.advances(1)) {
        for (std::int64_t i = 0; i < n; ++i) out[i] = function(l[i], r[i]);
      } else if (plan.advances(0)) {
        const B fixed = *r;
        for (std::int64_t i = 0; i < n; ++i) out[i] = function(l[i], fixed);
      } else if (plan.advances(1)) {
        const A fixed = *l;
        for (std::int64_t i = 0; i < n; ++i) out[i] = function(fixed, r[i]);
      } else {
        std::fill(out, out + n, function(*l, *r));
      }
    });
  });
  return y;
}

// Throws bad_input where two operands differ in their element types.
inline void need_same_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    throw bad_input("operands of different element types: " + a.str() + " and " + b.str());
}

}  // namespace q8
