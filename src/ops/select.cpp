#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators whose output's size or order depends on values: NonZero, Compress, Unique,
// ReverseSequence.

OpFunction make_non_zero(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    std::vector<std::int64_t> places;
    with_native_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t i = 0; i < x.size(); ++i)
        if (x.data<T>()[i] != T{}) places.push_back(i);
    });
    const auto count = static_cast<std::int64_t>(places.size());
    std::int64_t* y =
        run.output(0, DType::kS64, Shape{x.rank(), count}).mutable_data<std::int64_t>();
    for (std::int64_t axis = x.rank(); axis-- > 0;)
      for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t& rest = places[static_cast<std::size_t>(i)];
        y[axis * count + i] = rest % x.shape()[axis];
        rest /= x.shape()[axis];
      }
  };
}

// Slices `chosen` of an axis, in that order.
void take_slices(const Tensor& x, std::int64_t axis, const std::vector<std::int64_t>& chosen,
                 Tensor& y) {
  const std::size_t block =
      static_cast<std::size_t>(x.shape().count(axis + 1, x.rank())) * dtype_size(x.dtype());
  const auto dim = static_cast<std::size_t>(x.shape()[axis]);
  std::byte* target = y.mutable_bytes();
  for (std::int64_t o = 0; o < x.shape().count(0, axis); ++o)
    for (const std::int64_t i : chosen) {
      std::memcpy(
          target,
          x.bytes() + (static_cast<std::size_t>(o) * dim + static_cast<std::size_t>(i)) * block,
          block);
      target += block;
    }
}

OpFunction make_compress(const NodeContext& node) {
  const bool has_axis = node.attributes().has("axis");
  const std::int64_t given = node.attributes().get_int("axis", 0);
  return [has_axis, given](RunContext& run) {
    const Tensor x = has_axis ? run.input(0) : run.input(0).reshaped(Shape{run.input(0).size()});
    const std::int64_t axis = x.shape().normalize_axis(given);
    const auto condition = run.input(1).values<bool>();
    if (static_cast<std::int64_t>(condition.size()) > x.shape()[axis])
      throw bad_input("condition " + run.input(1).str() + " is longer than axis " +
                      std::to_string(axis) + " of " + x.str());
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < condition.size(); ++i)
      if (condition[i]) chosen.push_back(static_cast<std::int64_t>(i));
    Shape shape = x.shape();
    shape[axis] = static_cast<std::int64_t>(chosen.size());
    take_slices(x, axis, chosen, run.output(0, x.dtype(), shape));
  };
}

// Groups of equal slices along an axis.
struct Groups {
  std::vector<std::int64_t> first, counts, inverse;
};

// Compares slices i and j of an axis element by element, in row-major order.
template <typename T>
int compare_slices(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner,
                   std::int64_t i, std::int64_t j) {
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t c = 0; c < inner; ++c) {
      const T a = x[(o * n + i) * inner + c], b = x[(o * n + j) * inner + c];
      if (a < b) return -1;
      if (b < a) return 1;
    }
  return 0;
}

template <typename T>
Groups find_groups(const Tensor& x, std::int64_t axis, bool by_value) {
  const std::int64_t outer = x.shape().count(0, axis), n = x.shape()[axis],
                     inner = x.shape().count(axis + 1, x.rank());
  const T* data = x.data<T>();
  const auto compare = [&](std::int64_t i, std::int64_t j) {
    return compare_slices(data, outer, n, inner, i, j);
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t i, std::int64_t j) { return compare(i, j) < 0; });
  Groups groups;
  groups.inverse.resize(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (k == 0 || compare(order[k - 1], order[k]) != 0) {
      groups.first.push_back(order[k]);
      groups.counts.push_back(0);
    }
    ++groups.counts.back();
    groups.inverse[static_cast<std::size_t>(order[k])] =
        static_cast<std::int64_t>(groups.first.size()) - 1;
  }
  if (by_value) return groups;
  // In the order of first occurrence.
  std::vector<std::int64_t> ranks(groups.first.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  std::sort(ranks.begin(), ranks.end(), [&](std::int64_t a, std::int64_t b) {
    return groups.first[static_cast<std::size_t>(a)] < groups.first[static_cast<std::size_t>(b)];
  });
  Groups arranged{.first = {}, .counts = {}, .inverse = groups.inverse};
  std::vector<std::int64_t> new_rank(ranks.size());
  for (std::size_t k = 0; k < ranks.size(); ++k) {
    const auto old = static_cast<std::size_t>(ranks[k]);
    arranged.first.push_back(groups.first[old]);
    arranged.counts.push_back(groups.counts[old]);
    new_rank[old] = static_cast<std::int64_t>(k);
  }
  for (std::int64_t& g : arranged.inverse) g = new_rank[static_cast<std::size_t>(g)];
  return arranged;
}

OpFunction make_unique(const NodeContext& node) {
  const bool has_axis = node.attributes().has("axis");
  const std::int64_t given = node.attributes().get_int("axis", 0);
  const bool sorted = node.attributes().get_int("sorted", 1) != 0;
  return [=](RunContext& run) {
    const Tensor x = has_axis ? run.input(0) : run.input(0).reshaped(Shape{run.input(0).size()});
    const std::int64_t axis = x.shape().normalize_axis(given);
    const Groups groups = with_native_type(
        x.dtype(), [&](auto zero) { return find_groups<decltype(zero)>(x, axis, sorted); });
    Shape shape = x.shape();
    shape[axis] = static_cast<std::int64_t>(groups.first.size());
    take_slices(x, axis, groups.first, run.output(0, x.dtype(), shape));
    const std::vector<std::int64_t>* lists[] = {&groups.first, &groups.inverse, &groups.counts};
    for (std::size_t i = 1; i < run.output_count() && i <= 3; ++i)
      run.set_output(i, Tensor::of_int64(*lists[i - 1]));
  };
}

// The first sequence_lens[b] steps of each batch item backwards, the rest as it is.
OpFunction make_reverse_sequence(const NodeContext& node) {
  const std::int64_t batch_axis = node.attributes().get_int("batch_axis", 1);
  const std::int64_t time_axis = node.attributes().get_int("time_axis", 0);
  if (batch_axis + time_axis != 1 || batch_axis * time_axis != 0)
    throw bad_input("batch_axis and time_axis must be 0 and 1, or 1 and 0");
  return [batch_axis, time_axis](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::vector<std::int64_t> lengths = run.input(1).to_int64s();
    if (x.rank() < 2 || static_cast<std::int64_t>(lengths.size()) != x.shape()[batch_axis])
      throw bad_input(std::to_string(lengths.size()) + " sequence lengths for " + x.str());
    Tensor& y = run.output(0, x.dtype(), x.shape());
    const std::int64_t times = x.shape()[time_axis], columns = x.shape()[1];
    const std::size_t block =
        static_cast<std::size_t>(x.shape().count(2, x.rank())) * dtype_size(x.dtype());
    for (std::size_t b = 0; b < lengths.size(); ++b) {
      if (lengths[b] < 0 || lengths[b] > times)
        throw bad_input("sequence length " + std::to_string(lengths[b]) + " for " + x.str());
      const auto place = [&](std::int64_t t) {
        const auto item = static_cast<std::int64_t>(b);
        return static_cast<std::size_t>(time_axis == 0 ? t * columns + item : item * columns + t) *
               block;
      };
      for (std::int64_t t = 0; t < times; ++t)
        std::memcpy(y.mutable_bytes() + place(t),
                    x.bytes() + place(t < lengths[b] ? lengths[b] - 1 - t : t), block);
    }
  };
}

constexpr OpRow kRows[] = {
    {"", "NonZero", make_non_zero, QuantRole::kFloat, true},
    {"", "Compress", make_compress, QuantRole::kMoves, false},
    {"", "Unique", make_unique, QuantRole::kFloat, true},
    {"", "ReverseSequence", make_reverse_sequence, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> select_operators() {
  return kRows;
}

}  // namespace q8
