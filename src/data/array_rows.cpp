#include "data/array_rows.h"

#include <cstring>
#include <vector>

#include "base/error.h"
#include "data/checked_cast.h"

namespace q8 {
namespace {

Shape without_first(const Shape& shape) {
  return Shape(shape.dims().subspan(1));
}

Shape with_first(std::int64_t first, std::span<const std::int64_t> rest) {
  std::vector<std::int64_t> dims{first};
  dims.insert(dims.end(), rest.begin(), rest.end());
  return Shape(std::move(dims));
}

}  // namespace

std::string input_text(const InputSpec& input) {
  std::string text = "input '" + input.name + "' " + std::string(dtype_name(input.dtype));
  if (!input.dims) return text + " of any rank";
  text += "[";
  for (std::size_t i = 0; i < input.dims->size(); ++i) {
    const std::int64_t dim = (*input.dims)[i];
    text += (i == 0 ? "" : ", ") + (dim < 0 ? "?" : std::to_string(dim));
  }
  return text + "]";
}

bool fits(const Shape& shape, const InputSpec& input) {
  if (!input.dims) return true;
  if (shape.rank() != std::ssize(*input.dims)) return false;
  for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t declared = (*input.dims)[static_cast<std::size_t>(axis)];
    if (declared >= 0 && declared != shape[axis]) return false;
  }
  return true;
}

RowLayout row_layout(const ArrayInfo& array, const InputSpec& input) {
  using Kind = RowLayout::Kind;
  const Shape& shape = array.shape;
  const std::int64_t rank = shape.rank();
  const auto mismatch = [&](const std::string& why) {
    return bad_input("an array of shape " + shape.str() + " cannot be samples of " +
                     input_text(input) + ": " + why);
  };
  RowLayout layout;
  if (!input.dims) {
    if (rank == 0) throw mismatch("a scalar has no samples");
    return {Kind::kRowsWithBatch, shape[0], with_first(1, shape.dims().subspan(1))};
  }
  const std::int64_t declared = std::ssize(*input.dims);
  const std::int64_t batch = declared == 0 ? 1 : input.dims->front();
  if (rank == 0) {
    layout = {Kind::kConstant, 1,
              Shape(std::vector<std::int64_t>(static_cast<std::size_t>(declared), 1))};
  } else if (rank == declared + 1) {
    layout = {Kind::kRows, shape[0], without_first(shape)};
  } else if (rank == declared && batch <= 1) {
    layout = {Kind::kRowsWithBatch, shape[0], with_first(1, shape.dims().subspan(1))};
  } else if (rank == declared) {
    layout = {Kind::kWhole, 1, shape};
  } else if (rank == declared - 1 && batch <= 1) {
    layout = {Kind::kAddBatch, 1, with_first(1, shape.dims())};
  } else {
    throw mismatch("its rank must be " + std::to_string(declared) +
                   ", or one more with samples "
                   "as the first axis");
  }
  if (!fits(layout.sample_shape, input))
    throw mismatch("a sample would be " + layout.sample_shape.str());
  return layout;
}

Tensor row_of(const Tensor& array, const RowLayout& layout, std::int64_t k, DType dtype) {
  using Kind = RowLayout::Kind;
  const bool is_row = layout.kind == Kind::kRows || layout.kind == Kind::kRowsWithBatch;
  Tensor row(array.dtype(), layout.sample_shape);
  const std::size_t bytes = row.size_bytes();
  if (bytes > 0)
    std::memcpy(row.mutable_bytes(),
                array.bytes() + (is_row ? static_cast<std::size_t>(k) * bytes : 0), bytes);
  return checked_cast(row, dtype);
}

}  // namespace q8
