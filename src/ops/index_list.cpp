#include "ops/index_list.h"

#include <string>

namespace q8 {
namespace {

std::int64_t wrapped(std::int64_t index, std::int64_t dim) {
  const std::int64_t at = index < 0 ? index + dim : index;
  if (at < 0 || at >= dim)
    throw bad_input("index " + std::to_string(index) + " is outside an axis of " +
                    std::to_string(dim));
  return at;
}

}  // namespace

std::vector<std::int64_t> wrapped_indices(const Tensor& indices, std::int64_t dim) {
  std::vector<std::int64_t> list = indices.to_int64s();
  for (std::int64_t& index : list) index = wrapped(index, dim);
  return list;
}

Shape gathered_shape(const Shape& data, std::int64_t axis, const Shape& indices) {
  const auto dims = data.dims();
  std::vector<std::int64_t> result(dims.begin(), dims.begin() + axis);
  result.insert(result.end(), indices.begin(), indices.end());
  result.insert(result.end(), dims.begin() + axis + 1, dims.end());
  return Shape(std::move(result));
}

ElementIndex::ElementIndex(const Shape& data, const Tensor& indices, std::int64_t given) {
  const Shape& shape = indices.shape();
  if (shape.rank() != data.rank())
    throw bad_input("indices of shape " + shape.str() + " for data of shape " + data.str());
  const std::int64_t axis = data.normalize_axis(given);
  for (std::int64_t a = 0; a < data.rank(); ++a)
    if (a != axis && shape[a] > data[a])
      throw bad_input("indices of shape " + shape.str() + " reach outside data of shape " +
                      data.str());
  offsets_ = wrapped_indices(indices, data[axis]);
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    std::int64_t offset = 0, stride = 1;
    for (std::int64_t a = data.rank(); a-- > 0;) {
      offset += (a == axis ? offsets_[i] : rest % shape[a]) * stride;
      rest /= shape[a];
      stride *= data[a];
    }
    offsets_[i] = offset;
  }
}

TupleIndex::TupleIndex(const Shape& data, const Tensor& indices, std::int64_t batch_dims) {
  const Shape& shape = indices.shape();
  if (shape.rank() == 0) throw bad_input("indices without axes");
  const std::int64_t length = shape.back();
  depth_ = batch_dims + length;
  if (batch_dims < 0 || batch_dims >= shape.rank() || depth_ > data.rank())
    throw bad_input("indices of shape " + shape.str() + " with batch_dims=" +
                    std::to_string(batch_dims) + " for data of shape " + data.str());
  for (std::int64_t a = 0; a < batch_dims; ++a)
    if (shape[a] != data[a])
      throw bad_input("batch axes of indices " + shape.str() + " and data " + data.str() +
                      " differ");
  block_ = data.count(depth_, data.rank());
  const std::vector<std::int64_t> values = indices.to_int64s();
  const std::int64_t batches = shape.count(0, batch_dims),
                     in_batch = shape.count(batch_dims, shape.rank() - 1),
                     batch_size = data.count(batch_dims, data.rank());
  offsets_.reserve(static_cast<std::size_t>(batches * in_batch));
  std::size_t next = 0;
  for (std::int64_t b = 0; b < batches; ++b)
    for (std::int64_t i = 0; i < in_batch; ++i) {
      std::int64_t offset = 0;
      for (std::int64_t a = 0; a < length; ++a) {
        const std::int64_t dim = data[batch_dims + a];
        offset = offset * dim + wrapped(values[next++], dim);
      }
      offsets_.push_back(b * batch_size + offset * block_);
    }
}

}  // namespace q8
