#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/broadcast.h"
#include "ops/families.h"
#include "ops/int_list.h"
#include "ops/permute.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that lay elements out anew: Transpose, Concat, Expand, Tile.

OpFunction make_transpose(const NodeContext& node) {
  return [perm = node.attributes().get_ints("perm")](RunContext& run) {
    const Tensor& x = run.input(0);
    std::vector<std::int64_t> order = perm;
    if (order.empty())
      for (std::int64_t axis = x.rank(); axis-- > 0;) order.push_back(axis);
    std::vector<std::int64_t> sorted = order, dims;
    std::sort(sorted.begin(), sorted.end());
    bool fits = static_cast<std::int64_t>(sorted.size()) == x.rank();
    for (std::size_t i = 0; fits && i < sorted.size(); ++i)
      fits = sorted[i] == static_cast<std::int64_t>(i);
    if (!fits) throw bad_input("perm " + Shape(order).str() + " does not permute " + x.str());
    for (const std::int64_t axis : order) dims.push_back(x.shape()[axis]);
    permute(x, order, run.output(0, x.dtype(), Shape(std::move(dims))), run.threads, &run.kernels);
  };
}

// For runs of some hundred bytes a call of memcpy takes longer than the copy.
void copy_run(std::byte* to, const std::byte* from, std::int64_t bytes) {
  constexpr std::int64_t kShort = 512, kBlock = 32;
  std::int64_t at = 0;
  if (bytes <= kShort)
    for (; at + kBlock <= bytes; at += kBlock) std::memcpy(to + at, from + at, kBlock);
  if (at < bytes) std::memcpy(to + at, from + at, static_cast<std::size_t>(bytes - at));
}

OpFunction make_concat(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", 1);
  return [given](RunContext& run) {
    const Tensor& first = run.input(0);
    const std::int64_t axis = first.shape().normalize_axis(given);
    Shape shape = first.shape();
    for (std::size_t i = 1; i < run.input_count(); ++i) {
      const Tensor& x = run.input(i);
      bool fits = x.dtype() == first.dtype() && x.rank() == first.rank();
      for (std::int64_t a = 0; fits && a < x.rank(); ++a)
        fits = a == axis || x.shape()[a] == first.shape()[a];
      if (!fits)
        throw bad_input("input " + std::to_string(i) + ", " + x.str() + ", cannot be joined to " +
                        first.str() + " along axis " + std::to_string(axis));
      shape[axis] += x.shape()[axis];
    }
    Tensor& y = run.output(0, first.dtype(), shape);
    const std::int64_t outer = shape.count(0, axis),
                       size = static_cast<std::int64_t>(dtype_size(y.dtype()));
    const std::int64_t row_bytes = shape.count(axis, shape.rank()) * size;
    struct Part {
      const std::byte* source;
      std::int64_t bytes;  // of a row
    };
    std::vector<Part> parts;
    for (std::size_t i = 0; i < run.input_count(); ++i) {
      const Tensor& x = run.input(i);
      parts.push_back({x.bytes(), x.shape().count(axis, x.rank()) * size});
    }
    std::byte* target = y.mutable_bytes();
    run.threads.parallel_for(outer, std::max<std::int64_t>(1, 65536 / (row_bytes + 1)),
                             [&](std::int64_t begin, std::int64_t end) {
                               for (std::int64_t o = begin; o < end; ++o) {
                                 std::byte* to = target + o * row_bytes;
                                 for (const Part& part : parts) {
                                   copy_run(to, part.source + o * part.bytes, part.bytes);
                                   to += part.bytes;
                                 }
                               }
                             });
  };
}

// Copies x into y, whose shape it broadcasts to.
void spread(const Tensor& x, Tensor& y, Threads& threads) {
  const Broadcast plan({&y.shape(), &x.shape()});
  if (plan.shape() != y.shape()) throw bad_input(x.str() + " cannot fill " + y.str());
  with_size_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto* source = reinterpret_cast<const T*>(x.bytes());
    auto* target = reinterpret_cast<T*>(y.mutable_bytes());
    threads.parallel_for(y.size(), 16384, [&](std::int64_t begin, std::int64_t end) {
      plan.walk(begin, end, [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
        if (plan.advances(1))
          std::copy_n(source + from[1], n, target + at);
        else
          std::fill_n(target + at, n, source[from[1]]);
      });
    });
  });
}

OpFunction make_expand(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    const Shape shape = broadcast(x.shape(), Shape(run.input(1).to_int64s()));
    if (shape == x.shape()) return run.set_output(0, x);
    spread(x, run.output(0, x.dtype(), shape), run.threads);
  };
}

// Seen as an Expand: every axis of size n repeated r times is [1, n] spread to [r, n].
OpFunction make_tile(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto repeats = run.input(1).to_int64s();
    if (static_cast<std::int64_t>(repeats.size()) != x.rank())
      throw bad_input(std::to_string(repeats.size()) + " repeats for " + x.str());
    std::vector<std::int64_t> narrow, wide, dims;
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
      const std::int64_t n = x.shape()[axis], r = repeats[static_cast<std::size_t>(axis)];
      narrow.insert(narrow.end(), {1, n});
      wide.insert(wide.end(), {r, n});
      dims.push_back(Shape{r, n}.count());
    }
    Tensor y(x.dtype(), Shape(std::move(wide)), run.allocator);
    spread(x.reshaped(Shape(std::move(narrow))), y, run.threads);
    run.set_output(0, y.reshaped(Shape(std::move(dims))));
  };
}

constexpr OpRow kRows[] = {
    {"", "Transpose", make_transpose, QuantRole::kMoves, false},
    {"", "Concat", make_concat, QuantRole::kConcat, false},
    {"", "Expand", make_expand, QuantRole::kMoves, false},
    {"", "Tile", make_tile, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> join_operators() {
  return kRows;
}

}  // namespace q8
