#include <algorithm>

#include "ops/channel_layout.h"
#include "ops/families.h"
#include "ops/int_list.h"

namespace q8 {
namespace {

// Operators that look at or change the shape alone: the memory is shared with the input.

OpFunction make_shape(const NodeContext& node) {
  const std::int64_t start = node.attributes().get_int("start", 0);
  const bool has_end = node.attributes().has("end");
  const std::int64_t end = node.attributes().get_int("end", 0);
  return [=](RunContext& run) {
    const Shape& shape = run.input(0).shape();
    const std::int64_t rank = shape.rank();
    const auto place = [rank](std::int64_t v) {
      return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank);
    };
    const std::int64_t first = place(start), last = has_end ? place(end) : rank;
    const std::int64_t count = std::max<std::int64_t>(last - first, 0);
    Tensor& y = run.output(0, DType::kS64, Shape{count});
    for (std::int64_t i = 0; i < count; ++i) y.mutable_data<std::int64_t>()[i] = shape[first + i];
  };
}

OpFunction make_size(const NodeContext&) {
  return [](RunContext& run) {
    *run.output(0, DType::kS64, Shape{}).mutable_data<std::int64_t>() = run.input(0).size();
  };
}

// One -1 takes what is left; 0 copies the input's dimension unless allowzero is set.
Shape reshaped(const Tensor& x, std::vector<std::int64_t> dims, bool allow_zero) {
  const Shape given(dims);
  std::ptrdiff_t open = -1;
  std::int64_t known = 1;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && !allow_zero) {
      if (static_cast<std::int64_t>(i) >= x.rank())
        throw bad_input("shape " + given.str() + " copies a dimension that " + x.str() +
                        " has not");
      dims[i] = x.shape()[static_cast<std::int64_t>(i)];
    }
    if (dims[i] == -1) {
      if (open >= 0) throw bad_input("shape " + given.str() + " has two -1");
      open = static_cast<std::ptrdiff_t>(i);
    } else {
      known = Shape{known, dims[i]}.count();
    }
  }
  if (open >= 0) {
    if (known == 0 || x.size() % known != 0)
      throw bad_input(x.str() + " cannot be reshaped to " + given.str());
    dims[static_cast<std::size_t>(open)] = x.size() / known;
  }
  return Shape(std::move(dims));
}

OpFunction make_reshape(const NodeContext& node) {
  const bool allow_zero = node.attributes().get_int("allowzero", 0) != 0;
  return [allow_zero, shape = IntList(node, "shape", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto dims = shape.get(run);
    if (!dims) throw bad_input("the new shape is missing");
    run.set_output(0, x.reshaped(reshaped(x, *dims, allow_zero)));
  };
}

// "q8" Reshape: X and Y channels last, the shape as it is of Y channels first, with three
// dimensions. Where batch and channels stay, [N, C, pixels …] → [N, C, all pixels], nothing moves.
OpFunction make_pixel_reshape(const NodeContext& node) {
  const bool allow_zero = node.attributes().get_int("allowzero", 0) != 0;
  return [allow_zero, shape = IntList(node, "shape", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
    std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
    const Tensor first(x.dtype(), Shape(dims), std::shared_ptr<const std::byte>());
    const Shape wanted = reshaped(first, *shape.get(run), allow_zero);
    if (wanted.rank() != 3) throw bad_input("the new shape " + wanted.str() + " has not rank 3");
    if (wanted[0] == first.shape()[0] && wanted[1] == first.shape()[1])
      run.set_output(0, x.reshaped(Shape{wanted[0], wanted[2], wanted[1]}));
    else
      run.set_output(0, to_channels_last(to_channels_first(x, run).reshaped(wanted), run));
  };
}

OpFunction make_flatten(const NodeContext& node) {
  const std::int64_t axis = node.attributes().get_int("axis", 1);
  return [axis](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t split = axis < 0 ? axis + x.rank() : axis;
    if (split < 0 || split > x.rank())
      throw bad_input("axis " + std::to_string(axis) + " is outside " + x.str());
    run.set_output(0,
                   x.reshaped(Shape{x.shape().count(0, split), x.shape().count(split, x.rank())}));
  };
}

OpFunction make_squeeze(const NodeContext& node) {
  return [list = IntList(node, "axes", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto axes = list.get(run);
    std::vector<bool> drop(static_cast<std::size_t>(x.rank()), false);
    for (std::int64_t axis = 0; !axes && axis < x.rank(); ++axis)
      drop[static_cast<std::size_t>(axis)] = x.shape()[axis] == 1;
    if (axes)
      for (const std::int64_t given : *axes) {
        const std::int64_t axis = x.shape().normalize_axis(given);
        if (x.shape()[axis] != 1)
          throw bad_input("axis " + std::to_string(given) + " of " + x.str() + " is not 1");
        drop[static_cast<std::size_t>(axis)] = true;
      }
    std::vector<std::int64_t> dims;
    for (std::int64_t axis = 0; axis < x.rank(); ++axis)
      if (!drop[static_cast<std::size_t>(axis)]) dims.push_back(x.shape()[axis]);
    run.set_output(0, x.reshaped(Shape(std::move(dims))));
  };
}

OpFunction make_unsqueeze(const NodeContext& node) {
  return [list = IntList(node, "axes", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto axes = list.get(run);
    if (!axes) throw bad_input("the axes are missing");
    std::vector<std::int64_t> dims(static_cast<std::size_t>(x.rank()) + axes->size(), 0);
    const Shape wider(dims);
    for (const std::int64_t given : *axes) {
      std::int64_t& dim = dims[static_cast<std::size_t>(wider.normalize_axis(given))];
      if (dim == 1) throw bad_input("axis " + std::to_string(given) + " is given twice");
      dim = 1;
    }
    std::int64_t next = 0;
    for (std::int64_t& dim : dims)
      if (dim == 0) dim = x.shape()[next++];
    run.set_output(0, x.reshaped(Shape(std::move(dims))));
  };
}

constexpr OpRow kRows[] = {
    {"", "Shape", make_shape, QuantRole::kFloat, false},
    {"", "Size", make_size, QuantRole::kFloat, false},
    {"", "Reshape", make_reshape, QuantRole::kMoves, false},
    {"q8", "Reshape", make_pixel_reshape, QuantRole::kMoves, false},
    {"", "Flatten", make_flatten, QuantRole::kMoves, false},
    {"", "Squeeze", make_squeeze, QuantRole::kMoves, false},
    {"", "Unsqueeze", make_unsqueeze, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> shape_operators() {
  return kRows;
}

}  // namespace q8
