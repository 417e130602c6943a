#include <algorithm>
#include <numeric>

#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that find places along an axis: ArgMax, ArgMin, TopK.

// A tensor seen as [outer, n, inner] around an axis.
struct AxisView {
  AxisView(const Shape& shape, std::int64_t axis)
      : outer(shape.count(0, axis)), n(shape[axis]), inner(shape.count(axis + 1, shape.rank())) {}
  std::int64_t outer, n, inner;
};

template <typename T, bool kIsMax>
bool is_better(T a, T b) {
  return kIsMax ? a > b : a < b;
}

// Ties go to the first index, or to the last with select_last_index; the first NaN wins, as in
// NumPy.
template <bool kIsMax>
OpFunction make_arg_reduce(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", 0);
  const bool keep = node.attributes().get_int("keepdims", 1) != 0;
  const bool last = node.attributes().get_int("select_last_index", 0) != 0;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t axis = x.shape().normalize_axis(given);
    const AxisView view(x.shape(), axis);
    if (view.n == 0)
      throw bad_input("axis " + std::to_string(axis) + " of " + x.str() + " is empty");
    std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
    if (keep)
      dims[static_cast<std::size_t>(axis)] = 1;
    else
      dims.erase(dims.begin() + axis);
    std::int64_t* y =
        run.output(0, DType::kS64, Shape(std::move(dims))).mutable_data<std::int64_t>();
    with_native_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      run.threads.parallel_for(
          view.outer * view.inner, std::max<std::int64_t>(1, 16384 / view.n),
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              const T* row = source + i / view.inner * view.n * view.inner + i % view.inner;
              T best = row[0];
              std::int64_t at = 0;
              for (std::int64_t k = 1; k < view.n; ++k) {
                const T v = row[k * view.inner];
                if (best != best) break;
                if (is_better<T, kIsMax>(v, best) || v != v || (last && v == best)) {
                  best = v;
                  at = k;
                }
              }
              y[i] = at;
            }
          });
    });
  };
}

// The k first of `order` by value; equal values keep the order of their indices, NaN is largest.
template <typename T>
void choose_top(const T* row, std::int64_t stride, std::vector<std::int64_t>& order, std::int64_t k,
                bool largest, bool sorted) {
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const T left = row[a * stride], right = row[b * stride];
    const bool left_nan = left != left, right_nan = right != right;
    if (left_nan != right_nan) return left_nan == largest;
    if (!left_nan && left != right) return largest ? left > right : left < right;
    return a < b;
  };
  const auto middle = order.begin() + k;
  if (k < static_cast<std::int64_t>(order.size()))
    std::nth_element(order.begin(), middle, order.end(), before);
  if (sorted)
    std::sort(order.begin(), middle, before);
  else
    std::sort(order.begin(), middle);
}

OpFunction make_top_k(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const std::int64_t given = a.get_int("axis", -1);
  const std::int64_t fixed_k = a.get_int("k", -1);  // opset 9 and before
  const bool largest = a.get_int("largest", 1) != 0, sorted = a.get_int("sorted", 1) != 0;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t axis = x.shape().normalize_axis(given);
    const AxisView view(x.shape(), axis);
    const std::int64_t k = fixed_k >= 0 ? fixed_k : run.input(1).to_int64s().at(0);
    if (k < 0 || k > view.n)
      throw bad_input("k=" + std::to_string(k) + " for axis " + std::to_string(axis) + " of " +
                      x.str());
    Shape shape = x.shape();
    shape[axis] = k;
    Tensor& values = run.output(0, x.dtype(), shape);
    Tensor indices(DType::kS64, shape, run.allocator);
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      T* value = values.mutable_data<T>();
      std::int64_t* index = indices.mutable_data<std::int64_t>();
      run.threads.parallel_for(view.outer * view.inner,
                               std::max<std::int64_t>(1, 4096 / (view.n + 1)),
                               [&](std::int64_t begin, std::int64_t end) {
                                 std::vector<std::int64_t> order(static_cast<std::size_t>(view.n));
                                 for (std::int64_t i = begin; i < end; ++i) {
                                   const std::int64_t o = i / view.inner, c = i % view.inner;
                                   const T* row = source + o * view.n * view.inner + c;
                                   choose_top(row, view.inner, order, k, largest, sorted);
                                   for (std::int64_t j = 0; j < k; ++j) {
                                     const std::int64_t from = order[static_cast<std::size_t>(j)];
                                     value[(o * k + j) * view.inner + c] = row[from * view.inner];
                                     index[(o * k + j) * view.inner + c] = from;
                                   }
                                 }
                               });
    });
    if (run.output_count() > 1) run.set_output(1, std::move(indices));
  };
}

// Running sums and products along an axis, in the order of the axis.
template <bool kIsProduct>
OpFunction make_cumulative(const NodeContext& node) {
  const bool exclusive = node.attributes().get_int("exclusive", 0) != 0;
  const bool reverse = node.attributes().get_int("reverse", 0) != 0;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t axis = x.shape().normalize_axis(run.input(1).to_int64s().at(0));
    const AxisView view(x.shape(), axis);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      T* target = y.mutable_data<T>();
      for (std::int64_t i = 0; i < view.outer * view.inner; ++i) {
        const std::int64_t base = i / view.inner * view.n * view.inner + i % view.inner;
        T total = kIsProduct ? T(1) : T(0);
        for (std::int64_t k = 0; k < view.n; ++k) {
          const std::int64_t at = base + (reverse ? view.n - 1 - k : k) * view.inner;
          const T before = total;
          total = static_cast<T>(kIsProduct ? total * source[at] : total + source[at]);
          target[at] = exclusive ? before : total;
        }
      }
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "ArgMax", make_arg_reduce<true>},
    {"", "ArgMin", make_arg_reduce<false>},
    {"", "TopK", make_top_k},
    {"", "CumSum", make_cumulative<false>},
    {"", "CumProd", make_cumulative<true>},
};

}  // namespace

std::span<const OpRow> arg_reduce_operators() {
  return kRows;
}

}  // namespace q8
