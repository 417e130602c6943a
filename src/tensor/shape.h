#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace q8 {

// The dimensions of a tensor, outermost first; rank 0 is a scalar. Every dimension is >= 0.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}
  explicit Shape(std::span<const std::int64_t> dims) : dims_(dims.begin(), dims.end()) {}

  std::int64_t rank() const { return static_cast<std::int64_t>(dims_.size()); }
  std::int64_t operator[](std::int64_t axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](std::int64_t axis) { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t back() const { return dims_.back(); }
  std::span<const std::int64_t> dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  bool operator==(const Shape&) const = default;

  std::int64_t count()
      const;  // number of elements; throws bad_input where it passes 2^62 or a dim is < 0
  std::int64_t count(std::int64_t first, std::int64_t last) const;  // product of [first, last)

  // A negative axis counts from the end; throws bad_input outside [-rank, rank).
  std::int64_t normalize_axis(std::int64_t axis) const;

  std::string str() const;  // "[1, 3, 224, 224]"

 private:
  std::vector<std::int64_t> dims_;
};

// NumPy's rule: aligned at the end, equal or 1. Throws bad_input naming both shapes.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace q8
