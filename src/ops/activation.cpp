#include <algorithm>

#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Relu: max(x, 0), for all signed number types.
OpFunction make_relu(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      std::transform(source, source + x.size(), y.mutable_data<T>(),
                     [](T v) { return v < T{} ? T{} : v; });
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Relu", make_relu, QuantRole::kClamp},
};

}  // namespace

std::span<const OpRow> activation_operators() {
  return kRows;
}

}  // namespace q8
