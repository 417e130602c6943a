#include "ops/matmul_shape.h"

#include "base/error.h"

namespace q8 {
namespace {

Shape leading(const Shape& shape) {
  return shape.rank() < 2 ? Shape{} : Shape(shape.dims().first(shape.dims().size() - 2));
}

// For every index of `batch`, the index of the same product in a tensor whose leading dimensions
// are `own`.
std::vector<std::int64_t> offsets(const Shape& batch, const Shape& own, std::int64_t step) {
  std::vector<std::int64_t> result;
  const std::int64_t count = batch.count();
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, index = 0, stride = 1;
    for (std::int64_t axis = 1; axis <= batch.rank(); ++axis) {
      const std::int64_t at = rest % batch[batch.rank() - axis];
      rest /= batch[batch.rank() - axis];
      if (axis > own.rank()) continue;
      const std::int64_t dim = own[own.rank() - axis];
      index += (dim == 1 ? 0 : at) * stride;
      stride *= dim;
    }
    result.push_back(index * step);
  }
  return result;
}

}  // namespace

MatMulShape::MatMulShape(const Shape& a, const Shape& b) {
  const auto fail = [&] {
    throw bad_input("shapes " + a.str() + " and " + b.str() + " do not multiply");
  };
  if (a.rank() == 0 || b.rank() == 0) fail();
  m_ = a.rank() == 1 ? 1 : a[a.rank() - 2];
  k_ = a.back();
  n_ = b.rank() == 1 ? 1 : b.back();
  if (k_ != (b.rank() == 1 ? b[0] : b[b.rank() - 2])) fail();
  const Shape batch = broadcast(leading(a), leading(b));
  a_offsets_ = offsets(batch, leading(a), m_ * k_);
  b_offsets_ = offsets(batch, leading(b), k_ * n_);
  std::vector<std::int64_t> dims(batch.begin(), batch.end());
  if (a.rank() > 1) dims.push_back(m_);
  if (b.rank() > 1) dims.push_back(n_);
  output_ = Shape(std::move(dims));
}

}  // namespace q8
