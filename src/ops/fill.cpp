#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/element_type.h"
#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that make tensors from sizes: Constant, ConstantOfShape, Range, EyeLike, OneHot, Trilu.

// The loader makes constants of most Constant nodes; the others come here.
OpFunction make_constant(const NodeContext& node) {
  const Attributes& a = node.attributes();
  Tensor value;
  if (a.has("value")) {
    value = a.need_tensor("value");
  } else if (a.has("value_int")) {
    value = Tensor::scalar(a.need_int("value_int"));
  } else if (a.has("value_float")) {
    value = Tensor::scalar(a.get_float("value_float", 0));
  } else if (a.has("value_ints")) {
    value = Tensor::of_int64(a.need_ints("value_ints"));
  } else if (a.has("value_floats")) {
    const auto floats = a.get_floats("value_floats");
    value = Tensor::of<float>(Shape{static_cast<std::int64_t>(floats.size())}, floats);
  } else {
    throw unsupported("only numeric constants are supported: value, value_int(s), value_float(s)");
  }
  return [value](RunContext& run) { run.set_output(0, value); };
}

OpFunction make_constant_of_shape(const NodeContext& node) {
  const Tensor value = node.attributes().has("value") ? node.attributes().need_tensor("value")
                                                      : Tensor::scalar(0.0f);
  if (value.size() != 1) throw bad_input("value is " + value.str() + ", not one element");
  return [value](RunContext& run) {
    Tensor& y = run.output(0, value.dtype(), Shape(run.input(0).to_int64s()));
    with_size_type(value.dtype(), [&](auto zero) {
      using T = decltype(zero);
      std::fill_n(reinterpret_cast<T*>(y.mutable_bytes()), y.size(),
                  *reinterpret_cast<const T*>(value.bytes()));
    });
  };
}

OpFunction make_range(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& start = run.input(0);
    if (start.size() != 1 || run.input(1).size() != 1 || run.input(2).size() != 1)
      throw bad_input("start, limit and delta must have one element each");
    with_number_type(start.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T first = *start.data<T>(), limit = *run.input(1).data<T>(),
              delta = *run.input(2).data<T>();
      if (delta == T{}) throw bad_input("delta is 0");
      const double steps =
          (static_cast<double>(limit) - static_cast<double>(first)) / static_cast<double>(delta);
      if (!(steps < 1e12)) throw bad_input("the range has no end");
      const auto count = static_cast<std::int64_t>(std::max(std::ceil(steps), 0.0));
      T* y = run.output(0, start.dtype(), Shape{count}).template mutable_data<T>();
      for (std::int64_t i = 0; i < count; ++i)
        y[i] = static_cast<T>(first + static_cast<T>(i) * delta);
    });
  };
}

OpFunction make_eye_like(const NodeContext& node) {
  const std::int64_t k = node.attributes().get_int("k", 0);
  const bool has_dtype = node.attributes().has("dtype");
  const DType given = has_dtype ? element_type(node.attributes().need_int("dtype")) : DType::kF32;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() != 2) throw bad_input("a matrix is needed, not " + x.str());
    const DType dtype = has_dtype ? given : x.dtype();
    const Tensor one = cast(Tensor::scalar(1.0f), dtype);
    Tensor& y = run.output(0, dtype, x.shape());
    std::memset(y.mutable_bytes(), 0, y.size_bytes());
    const std::size_t size = dtype_size(dtype);
    const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
    for (std::int64_t r = 0; r < rows; ++r)
      if (r + k >= 0 && r + k < columns)
        std::memcpy(y.mutable_bytes() + static_cast<std::size_t>(r * columns + r + k) * size,
                    one.bytes(), size);
  };
}

OpFunction make_one_hot(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", -1);
  return [given](RunContext& run) {
    const std::vector<std::int64_t> indices = run.input(0).to_int64s();
    const std::int64_t depth = run.input(1).to_int64s().at(0);
    const Tensor& values = run.input(2);
    if (values.size() != 2 || depth < 0)
      throw bad_input("depth " + std::to_string(depth) + " and values " + values.str() +
                      ": a size and two elements are needed");
    const Shape& from = run.input(0).shape();
    std::vector<std::int64_t> dims(from.begin(), from.end());
    dims.push_back(depth);
    const std::int64_t axis = Shape(dims).normalize_axis(given);
    std::rotate(dims.begin() + axis, dims.end() - 1, dims.end());
    Tensor& y = run.output(0, values.dtype(), Shape(std::move(dims)));
    const std::int64_t inner = from.count(axis, from.rank());
    with_size_type(values.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* off_on = reinterpret_cast<const T*>(values.bytes());
      T* target = reinterpret_cast<T*>(y.mutable_bytes());
      std::fill_n(target, y.size(), off_on[0]);
      for (std::size_t i = 0; i < indices.size(); ++i) {
        const std::int64_t hot = indices[i] < 0 ? indices[i] + depth : indices[i];
        if (hot < 0 || hot >= depth) continue;  // outside: all off
        const std::int64_t o = static_cast<std::int64_t>(i) / inner,
                           c = static_cast<std::int64_t>(i) % inner;
        target[(o * depth + hot) * inner + c] = off_on[1];
      }
    });
  };
}

OpFunction make_trilu(const NodeContext& node) {
  const bool is_upper = node.attributes().get_int("upper", 1) != 0;
  return [is_upper](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() < 2) throw bad_input("matrices are needed, not " + x.str());
    const std::int64_t k = run.has_input(1) ? run.input(1).to_int64s().at(0) : 0;
    const std::int64_t columns = x.shape().back(), rows = x.shape()[x.rank() - 2];
    Tensor& y = run.output(0, x.dtype(), x.shape());
    std::memset(y.mutable_bytes(), 0, y.size_bytes());
    const auto size = static_cast<std::int64_t>(dtype_size(x.dtype()));
    const std::int64_t all_rows = columns == 0 ? 0 : x.size() / columns;
    for (std::int64_t i = 0; i < all_rows; ++i) {
      // Column r + k is the diagonal; it belongs to both triangles.
      const std::int64_t diagonal = i % rows + std::clamp(k, -rows - columns, rows + columns);
      const std::int64_t first = is_upper ? std::clamp<std::int64_t>(diagonal, 0, columns) : 0;
      const std::int64_t last =
          is_upper ? columns : std::clamp<std::int64_t>(diagonal + 1, 0, columns);
      std::memcpy(y.mutable_bytes() + (i * columns + first) * size,
                  x.bytes() + (i * columns + first) * size,
                  static_cast<std::size_t>((last - first) * size));
    }
  };
}

constexpr OpRow kRows[] = {
    {"", "Constant", make_constant, QuantRole::kFloat, false},
    {"", "ConstantOfShape", make_constant_of_shape, QuantRole::kFloat, false},
    {"", "Range", make_range, QuantRole::kFloat, true},
    {"", "EyeLike", make_eye_like, QuantRole::kFloat, false},
    {"", "OneHot", make_one_hot, QuantRole::kFloat, false},
    {"", "Trilu", make_trilu, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> fill_operators() {
  return kRows;
}

}  // namespace q8
