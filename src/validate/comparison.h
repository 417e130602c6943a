#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace q8 {

// The error of one output against its reference, summed in the order of the calls and in double, so
// that it does not depend on threads.
//
// A value that is NaN or infinite the same way in both is left out. One that is so in one model
// alone makes the error infinite.
class OutputError {
 public:
  // Any numeric types. Where the shapes differ nothing is compared, but counted.
  void add(const Tensor& reference, const Tensor& tensor);
  void merge(const OutputError& other);

  // 10·log10(Σ reference² / Σ (reference − value)²); +inf where there is no error (or nothing was
  // compared), −inf where the reference is zero or the error infinite.
  double sqnr_db() const;
  double max_abs_difference() const { return max_abs_; }
  std::int64_t not_finite() const { return not_finite_; }
  std::int64_t not_compared() const { return not_compared_; }

 private:
  double signal_ = 0, noise_ = 0, max_abs_ = 0;
  std::int64_t not_finite_ = 0, not_compared_ = 0;
};

// A tensor of numbers, flattened.
std::vector<double> flat_values(const Tensor& tensor);

// The index of the largest value, the first of several; NaN is never the largest. −1 where there is
// none.
std::int64_t argmax(std::span<const double> scores);

// How many values come before `index` in descending order, equal ones by their index: 0 is argmax.
// A NaN comes last.
std::int64_t rank_of(std::span<const double> scores, std::int64_t index);

}  // namespace q8
