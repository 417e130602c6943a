#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace q8 {

// The indices of a tensor as positions on an axis of `dim` elements: negative ones count from the
// end. Throws bad_input outside [-dim, dim).
std::vector<std::int64_t> wrapped_indices(const Tensor& indices, std::int64_t dim);

// Gather's result: the indices' axes in place of `axis`.
Shape gathered_shape(const Shape& data, std::int64_t axis, const Shape& indices);

// Where the elements of GatherElements and ScatterElements lie in the data: as the index itself,
// but for one axis, on which the index's value counts.
class ElementIndex {
 public:
  // Throws bad_input where ranks differ or an index lies outside.
  ElementIndex(const Shape& data, const Tensor& indices, std::int64_t axis);

  // Calls function(number of the index, offset in the data), in order.
  template <typename Function>
  void for_each(Function&& function) const {
    for (std::size_t i = 0; i < offsets_.size(); ++i)
      function(static_cast<std::int64_t>(i), offsets_[i]);
  }

 private:
  std::vector<std::int64_t> offsets_;
};

// Where the slices of GatherND and ScatterND begin in the data: the last axis of `indices` holds
// coordinates of the axes behind the `batch_dims` first ones.
class TupleIndex {
 public:
  TupleIndex(const Shape& data, const Tensor& indices, std::int64_t batch_dims);

  std::int64_t depth() const { return depth_; }  // axes of the data that are gone
  std::int64_t block() const { return block_; }  // elements of a slice
  const std::vector<std::int64_t>& offsets() const { return offsets_; }

 private:
  std::int64_t depth_ = 0, block_ = 0;
  std::vector<std::int64_t> offsets_;
};

}  // namespace q8
