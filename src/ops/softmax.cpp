#include <cmath>

#include "kernels/f32/elementwise.h"
#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// The elements over which one distribution runs: size of them, `stride` apart; `inner` such rows
// stand beside each other, `outer` one after the other.
struct Rows {
  std::int64_t outer, size, inner;
};

// From opset 13 on `axis` is the one axis; before, all axes from `axis` on are one row.
Rows rows_of(const Shape& shape, std::int64_t axis, bool flattens) {
  const std::int64_t rank = shape.rank();
  if (rank == 0) return {1, 1, 1};
  // Flattening may start behind the last axis.
  if (flattens && axis == rank) return {shape.count(), 1, 1};
  axis = shape.normalize_axis(axis);
  if (flattens) return {shape.count(0, axis), shape.count(axis, rank), 1};
  return {shape.count(0, axis), shape[axis], shape.count(axis + 1, rank)};
}

// exp(x − max) / Σ exp(x − max)
struct SoftmaxRow {
  template <typename T>
  void operator()(const T* x, T* y, std::int64_t size, std::int64_t stride) const {
    T largest = x[0];
    for (std::int64_t i = 1; i < size; ++i)
      if (x[i * stride] > largest) largest = x[i * stride];
    // Without a finite largest value (a row that is masked throughout) every difference is NaN.
    T sum = 0;
    for (std::int64_t i = 0; i < size; ++i)
      sum += y[i * stride] = std::exp(x[i * stride] - largest);
    for (std::int64_t i = 0; i < size; ++i) y[i * stride] /= sum;
  }
};

// x − max − log Σ exp(x − max)
struct LogSoftmaxRow {
  template <typename T>
  void operator()(const T* x, T* y, std::int64_t size, std::int64_t stride) const {
    T largest = x[0];
    for (std::int64_t i = 1; i < size; ++i)
      if (x[i * stride] > largest) largest = x[i * stride];
    T sum = 0;
    for (std::int64_t i = 0; i < size; ++i) sum += std::exp(x[i * stride] - largest);
    const T log_sum = std::log(sum);
    for (std::int64_t i = 0; i < size; ++i) y[i * stride] = x[i * stride] - largest - log_sum;
  }
};

// 1 at the first of the largest, 0 elsewhere.
struct HardmaxRow {
  template <typename T>
  void operator()(const T* x, T* y, std::int64_t size, std::int64_t stride) const {
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < size; ++i)
      if (x[i * stride] > x[best * stride]) best = i;
    for (std::int64_t i = 0; i < size; ++i) y[i * stride] = T(i == best ? 1 : 0);
  }
};

template <typename RowFunction>
OpFunction make_row_operator(const NodeContext& node) {
  const bool flattens = node.opset < 13;
  const std::int64_t axis = node.attributes().get_int("axis", flattens ? 1 : -1);
  return [axis, flattens](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    if (x.size() == 0) return;
    const Rows rows = rows_of(x.shape(), axis, flattens);
    if (std::is_same_v<RowFunction, SoftmaxRow> && x.dtype() == DType::kF32 && rows.inner == 1) {
      softmax_f32(run.kernels, rows.outer, rows.size, x.data<float>(), y.mutable_data<float>(),
                  run.threads);
      return;
    }
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      T* target = y.mutable_data<T>();
      // 2,048 exponentials are some microseconds: enough for a thread.
      const std::int64_t grain = std::max<std::int64_t>(1, 2048 / rows.size);
      run.threads.parallel_for(
          rows.outer * rows.inner, grain, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
              const std::int64_t start = r / rows.inner * rows.size * rows.inner + r % rows.inner;
              RowFunction{}(source + start, target + start, rows.size, rows.inner);
            }
          });
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Softmax", make_row_operator<SoftmaxRow>, QuantRole::kBounded},
    {"", "LogSoftmax", make_row_operator<LogSoftmaxRow>, QuantRole::kFloat},
    {"", "Hardmax", make_row_operator<HardmaxRow>, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> softmax_operators() {
  return kRows;
}

}  // namespace q8
