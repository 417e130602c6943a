#pragma once

#include <cstdint>
#include <vector>

#include "tensor/shape.h"

namespace q8 {

// NumPy's matmul: [… , m, k] · [… , k, n], the leading dimensions broadcast; a vector is a row on
// the left and a column on the right, and its axis is gone from the result. Throws bad_input where
// the shapes do not fit.
class MatMulShape {
 public:
  MatMulShape(const Shape& a, const Shape& b);

  std::int64_t m() const { return m_; }
  std::int64_t n() const { return n_; }
  std::int64_t k() const { return k_; }
  std::int64_t batch() const { return static_cast<std::int64_t>(a_offsets_.size()); }
  const Shape& output() const { return output_; }
  // First element of the i-th product's factors.
  std::int64_t a_offset(std::int64_t i) const { return a_offsets_[static_cast<std::size_t>(i)]; }
  std::int64_t b_offset(std::int64_t i) const { return b_offsets_[static_cast<std::size_t>(i)]; }

 private:
  std::int64_t m_, n_, k_;
  Shape output_;
  std::vector<std::int64_t> a_offsets_, b_offsets_;
};

}  // namespace q8
