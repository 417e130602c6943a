#include <cmath>

#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Gaussian elimination with partial pivoting; `a` is [n, n] and destroyed.
double determinant(std::vector<double>& a, std::size_t n) {
  double result = 1;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t r = k + 1; r < n; ++r)
      if (std::abs(a[r * n + k]) > std::abs(a[pivot * n + k])) pivot = r;
    if (a[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      for (std::size_t c = 0; c < n; ++c) std::swap(a[pivot * n + c], a[k * n + c]);
      result = -result;
    }
    result *= a[k * n + k];
    for (std::size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      for (std::size_t c = k; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
    }
  }
  return result;
}

// [..., n, n] → [...]
OpFunction make_det(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() < 2 || x.shape().back() != x.shape()[x.rank() - 2])
      throw bad_input("square matrices are needed, not " + x.str());
    const auto n = static_cast<std::size_t>(x.shape().back());
    const auto outer = x.shape().dims().first(static_cast<std::size_t>(x.rank() - 2));
    Tensor& y = run.output(0, x.dtype(), Shape(outer));
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t i = 0; i < y.size(); ++i) {
        const T* matrix = x.data<T>() + static_cast<std::size_t>(i) * n * n;
        std::vector<double> copy(matrix, matrix + n * n);
        y.mutable_data<T>()[i] = static_cast<T>(determinant(copy, n));
      }
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Det", make_det},
};

}  // namespace

std::span<const OpRow> det_operators() {
  return kRows;
}

}  // namespace q8
