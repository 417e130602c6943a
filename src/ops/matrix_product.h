#pragma once

#include <cstdint>
#include <vector>

namespace q8 {

// A matrix in memory, by its strides in elements.
template <typename T>
struct MatrixView {
  const T* data;
  std::int64_t row_stride, column_stride;
};

// C [m, n] (dense) = A [m, k] · B [k, n]. For the element types that have no fast kernel; integers
// wrap around. One chain of additions an element, k ascending.
template <typename T>
void plain_product(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView<T> a, MatrixView<T> b,
                   T* c) {
  for (std::int64_t i = 0; i < m; ++i) {
    T* row = c + i * n;
    for (std::int64_t j = 0; j < n; ++j) row[j] = T{};
    for (std::int64_t l = 0; l < k; ++l) {
      const T factor = a.data[i * a.row_stride + l * a.column_stride];
      const T* from = b.data + l * b.row_stride;
      for (std::int64_t j = 0; j < n; ++j)
        row[j] = static_cast<T>(row[j] + factor * from[j * b.column_stride]);
    }
  }
}

}  // namespace q8
