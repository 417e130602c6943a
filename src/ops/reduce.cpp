#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/families.h"
#include "ops/int_list.h"
#include "ops/permute.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// A reduction is: read an element, fold it into a state, finish with the number of elements.
// Floats are summed in double, integers in 64 bits, always in the order of the tensor: results do
// not depend on the number of threads, which share out the outputs.
template <typename T>
using Accumulator =
    std::conditional_t<std::is_floating_point_v<T>, double,
                       std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

template <typename T>
struct SumOf {
  using State = Accumulator<T>;
  static constexpr State start() { return 0; }
  static State fold(State s, T v) { return s + static_cast<State>(v); }
  static State merge(State a, State b) { return a + b; }
  static T finish(State s, std::int64_t) { return static_cast<T>(s); }
};
template <typename T>
struct MeanOf : SumOf<T> {
  using State = Accumulator<T>;
  static T finish(State s, std::int64_t n) {
    if constexpr (std::is_integral_v<T>) {
      if (n == 0) throw bad_input("the mean of no integers is not defined");
    }
    return static_cast<T>(s / static_cast<State>(n));
  }
};
template <typename T>
struct L1Of : SumOf<T> {
  using State = Accumulator<T>;
  static State fold(State s, T v) {
    const auto wide = static_cast<State>(v);
    return wide < State{} ? s - wide : s + wide;
  }
};
template <typename T>
struct SumSquareOf : SumOf<T> {
  using State = Accumulator<T>;
  static State fold(State s, T v) {
    const auto wide = static_cast<State>(v);
    return s + wide * wide;
  }
};
template <typename T>
struct L2Of : SumSquareOf<T> {
  static T finish(Accumulator<T> s, std::int64_t) {
    return static_cast<T>(std::sqrt(static_cast<double>(s)));
  }
};
template <typename T>
struct LogSumOf : SumOf<T> {
  static T finish(Accumulator<T> s, std::int64_t) {
    return static_cast<T>(std::log(static_cast<double>(s)));
  }
};
template <typename T>
struct ProdOf {
  using State = Accumulator<T>;
  static constexpr State start() { return 1; }
  static State fold(State s, T v) { return s * static_cast<State>(v); }
  static State merge(State a, State b) { return a * b; }
  static T finish(State s, std::int64_t) { return static_cast<T>(s); }
};
// A NaN wins, as in NumPy. Over nothing: the least value of the type.
template <typename T>
struct MaxOf {
  using State = T;
  static constexpr State start() {
    if constexpr (std::is_floating_point_v<T>)
      return -std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::lowest();
  }
  static State fold(State s, T v) { return v > s || v != v ? v : s; }
  static State merge(State a, State b) { return fold(a, b); }
  static T finish(State s, std::int64_t) { return s; }
};
template <typename T>
struct MinOf {
  using State = T;
  static constexpr State start() {
    if constexpr (std::is_floating_point_v<T>)
      return std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::max();
  }
  static State fold(State s, T v) { return v < s || v != v ? v : s; }
  static State merge(State a, State b) { return fold(a, b); }
  static T finish(State s, std::int64_t) { return s; }
};
// log Σ exp(v): the state carries the largest value, so that nothing overflows.
template <typename T>
struct LogSumExpOf {
  struct State {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  };
  static constexpr State start() { return {}; }
  static State merge(State a, State b) {
    if (b.largest > a.largest) std::swap(a, b);
    if (b.sum != 0 && a.largest != b.largest) b.sum *= std::exp(b.largest - a.largest);
    return {a.largest, a.sum + b.sum};
  }
  static State fold(State s, T v) { return merge(s, {static_cast<double>(v), 1.0}); }
  static T finish(State s, std::int64_t) { return static_cast<T>(s.largest + std::log(s.sum)); }
};

// Independent chains that a row is folded in: hides the latency of the addition. Part of the
// result's definition.
constexpr std::int64_t kChains = 8;

template <typename R, typename T>
T reduce_row(const T* x, std::int64_t n) {
  std::array<typename R::State, kChains> states;
  states.fill(R::start());
  std::int64_t i = 0;
  for (; i + kChains <= n; i += kChains)
    for (std::int64_t c = 0; c < kChains; ++c) {
      auto& s = states[static_cast<std::size_t>(c)];
      s = R::fold(s, x[i + c]);
    }
  for (; i < n; ++i) states[0] = R::fold(states[0], x[i]);
  for (std::size_t width = kChains / 2; width > 0; width /= 2)
    for (std::size_t c = 0; c < width; ++c) states[c] = R::merge(states[c], states[c + width]);
  return R::finish(states[0], n);
}

// x [outer, n, inner] → y [outer, inner], in strips of `inner` whose states stay in L1.
template <typename R, typename T>
void reduce_middle(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, T* y,
                   Threads& threads) {
  constexpr std::int64_t kStrip = 128;
  const std::int64_t strips = (inner + kStrip - 1) / kStrip;
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / (n * kStrip + 1));
  threads.parallel_for(outer * strips, grain, [&](std::int64_t begin, std::int64_t end) {
    std::array<typename R::State, kStrip> states;
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t o = item / strips, first = item % strips * kStrip;
      const std::int64_t width = std::min(kStrip, inner - first);
      states.fill(R::start());
      const T* row = x + o * n * inner + first;
      for (std::int64_t r = 0; r < n; ++r, row += inner)
        for (std::int64_t c = 0; c < width; ++c) {
          auto& s = states[static_cast<std::size_t>(c)];
          s = R::fold(s, row[c]);
        }
      for (std::int64_t c = 0; c < width; ++c)
        y[o * inner + first + c] = R::finish(states[static_cast<std::size_t>(c)], n);
    }
  });
}

// The axes of x as [outer, n, inner] with only the middle reduced; x itself where it already has
// that form, else a copy with the reduced axes last.
struct Arranged {
  Tensor x;
  std::int64_t outer = 1, n = 1, inner = 1;
};

Arranged arrange(const Tensor& x, const std::vector<bool>& reduced, RunContext& run) {
  Arranged a{.x = x};
  int stage = 0;  // 0: before the reduced axes, 1: in them, 2: behind them
  bool fits = true;
  for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
    const std::int64_t dim = x.shape()[axis];
    if (dim == 1) continue;
    const bool is_reduced = reduced[static_cast<std::size_t>(axis)];
    if (is_reduced && stage == 0) stage = 1;
    if (!is_reduced && stage == 1) stage = 2;
    if (is_reduced && stage == 2) fits = false;
    (is_reduced ? a.n : stage == 0 ? a.outer : a.inner) *= dim;
  }
  if (fits) return a;
  std::vector<std::int64_t> order;
  for (const bool last : {false, true})
    for (std::int64_t axis = 0; axis < x.rank(); ++axis)
      if (reduced[static_cast<std::size_t>(axis)] == last) order.push_back(axis);
  std::vector<std::int64_t> dims;
  for (const std::int64_t axis : order) dims.push_back(x.shape()[axis]);
  a.x = Tensor(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, a.x, run.threads);
  a.outer *= a.inner;
  a.inner = 1;
  return a;
}

template <template <typename> typename Reduction, typename T>
void reduce(const Arranged& a, Tensor& y, RunContext& run) {
  using R = Reduction<T>;
  const T* x = a.x.data<T>();
  T* target = y.mutable_data<T>();
  if (a.inner == 1) {
    const std::int64_t grain = std::max<std::int64_t>(1, 16384 / (a.n + 1));
    run.threads.parallel_for(a.outer, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) target[o] = reduce_row<R>(x + o * a.n, a.n);
    });
  } else {
    reduce_middle<R>(x, a.outer, a.n, a.inner, target, run.threads);
  }
}

constexpr bool kWithBool = true;

template <template <typename> typename Reduction, bool kBool = false>
OpFunction make_reduce(const NodeContext& node) {
  const bool keep = node.attributes().get_int("keepdims", 1) != 0;
  const bool noop = node.attributes().get_int("noop_with_empty_axes", 0) != 0;
  return [keep, noop, axes = IntList(node, "axes", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto given = axes.get(run);
    const bool all = !given || given->empty();
    std::vector<bool> reduced(static_cast<std::size_t>(x.rank()), all && !noop);
    if (!all)
      for (const std::int64_t axis : *given)
        reduced[static_cast<std::size_t>(x.shape().normalize_axis(axis))] = true;
    std::vector<std::int64_t> dims;
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
      if (!reduced[static_cast<std::size_t>(axis)])
        dims.push_back(x.shape()[axis]);
      else if (keep)
        dims.push_back(1);
    }
    Tensor& y = run.output(0, x.dtype(), Shape(std::move(dims)));
    const Arranged arranged = arrange(x, reduced, run);
    if constexpr (kBool) {
      with_native_type(x.dtype(),
                       [&](auto zero) { reduce<Reduction, decltype(zero)>(arranged, y, run); });
    } else {
      with_number_type(x.dtype(),
                       [&](auto zero) { reduce<Reduction, decltype(zero)>(arranged, y, run); });
    }
  };
}

constexpr OpRow kRows[] = {
    {"", "ReduceSum", make_reduce<SumOf>},
    {"", "ReduceMean", make_reduce<MeanOf>, QuantRole::kPool},
    {"", "ReduceMax", make_reduce<MaxOf, kWithBool>},
    {"", "ReduceMin", make_reduce<MinOf, kWithBool>},
    {"", "ReduceProd", make_reduce<ProdOf>},
    {"", "ReduceL1", make_reduce<L1Of>},
    {"", "ReduceL2", make_reduce<L2Of>},
    {"", "ReduceSumSquare", make_reduce<SumSquareOf>},
    {"", "ReduceLogSum", make_reduce<LogSumOf>},
    {"", "ReduceLogSumExp", make_reduce<LogSumExpOf>},
};

}  // namespace

std::span<const OpRow> reduce_operators() {
  return kRows;
}

}  // namespace q8
