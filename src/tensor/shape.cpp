#include "tensor/shape.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {

std::int64_t Shape::count() const {
  return count(0, rank());
}

std::int64_t Shape::count(std::int64_t first, std::int64_t last) const {
  constexpr std::int64_t kLimit = std::int64_t{1} << 62;
  std::int64_t product = 1;
  for (std::int64_t axis = first; axis < last; ++axis) {
    const std::int64_t dim = (*this)[axis];
    if (dim < 0) throw bad_input("shape " + str() + " has a negative dimension");
    if (dim != 0 && product > kLimit / dim) throw bad_input("shape " + str() + " is too large");
    product *= dim;
  }
  return product;
}

std::int64_t Shape::normalize_axis(std::int64_t axis) const {
  const std::int64_t positive = axis < 0 ? axis + rank() : axis;
  if (positive < 0 || positive >= rank())
    throw bad_input("axis " + std::to_string(axis) + " is outside a tensor of rank " +
                    std::to_string(rank()));
  return positive;
}

std::string Shape::str() const {
  std::string text = "[";
  for (const std::int64_t dim : dims_) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dim);
  }
  return text + "]";
}

Shape broadcast(const Shape& a, const Shape& b) {
  const std::int64_t rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
  for (std::int64_t i = 1; i <= rank; ++i) {
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1)
      throw bad_input("shapes " + a.str() + " and " + b.str() + " do not broadcast");
    dims[static_cast<std::size_t>(rank - i)] = x == 1 ? y : x;
  }
  return Shape(std::move(dims));
}

}  // namespace q8
