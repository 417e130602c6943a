#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "ops/families.h"
#include "ops/int_list.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// One axis of a slice: `count` elements from `start` on, every `step`-th.
struct Cut {
  std::int64_t start = 0, step = 1, count = 0;
};

// ONNX's rule for start:end:step on an axis of `dim` elements. Not quite NumPy's: a start before
// the first element is the first element for negative steps too, and the largest int32 or int64 is
// the end in the direction of the step, as ONNX Runtime has it.
Cut make_cut(std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step == 0) throw bad_input("a slice with step 0");
  if (dim == 0) return {};
  const std::int64_t most = step > 0 ? dim : dim - 1;
  const auto place = [&](std::int64_t v, std::int64_t least) {
    return std::clamp(v < 0 ? v + dim : v, least, most);
  };
  if (step < 0 && (end == std::numeric_limits<std::int32_t>::max() ||
                   end == std::numeric_limits<std::int64_t>::max()))
    end = std::numeric_limits<std::int64_t>::min();
  const std::int64_t from = place(start, 0), to = place(end, step > 0 ? 0 : -1);
  const std::int64_t length = step > 0 ? to - from : from - to;
  // A step of INT64_MIN has no negative; any step beyond the axis takes one element.
  const std::int64_t stride = step > 0 ? step : step < -dim ? dim + 1 : -step;
  const std::int64_t bounded = std::min(stride, dim + 1);
  return {from, step > 0 ? bounded : -bounded, length <= 0 ? 0 : (length - 1) / bounded + 1};
}

// Copies axis `axis` and everything inside; source and target move forward.
template <typename T>
T* copy_cuts(const std::vector<Cut>& cuts, const Shape& shape, std::int64_t axis, const T* source,
             T* target) {
  const Cut& cut = cuts[static_cast<std::size_t>(axis)];
  const std::int64_t inner = shape.count(axis + 1, shape.rank());
  const bool rest_is_whole = [&] {
    for (std::int64_t a = axis + 1; a < shape.rank(); ++a) {
      const Cut& c = cuts[static_cast<std::size_t>(a)];
      if (c.step != 1 || c.count != shape[a]) return false;
    }
    return true;
  }();
  if (rest_is_whole && cut.step == 1)
    return std::copy_n(source + cut.start * inner, cut.count * inner, target);
  if (axis + 1 == shape.rank()) {  // in locals: a byte that is written might be one of the cut's
    const T* from = source + cut.start;
    const std::int64_t step = cut.step, count = cut.count;
    for (std::int64_t i = 0; i < count; ++i) target[i] = from[i * step];
    return target + count;
  }
  for (std::int64_t i = 0; i < cut.count; ++i) {
    const T* from = source + (cut.start + i * cut.step) * inner;
    if (rest_is_whole)
      target = std::copy_n(from, inner, target);
    else
      target = copy_cuts(cuts, shape, axis + 1, from, target);
  }
  return target;
}

void slice(const Tensor& x, const std::vector<Cut>& cuts, std::size_t output, RunContext& run) {
  std::vector<std::int64_t> dims;
  for (const Cut& cut : cuts) dims.push_back(cut.count);
  Tensor& y = run.output(output, x.dtype(), Shape(std::move(dims)));
  if (y.size() == 0) return;
  with_size_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto* source = reinterpret_cast<const T*>(x.bytes());
    auto* target = reinterpret_cast<T*>(y.mutable_bytes());
    if (cuts.empty()) {
      *target = *source;
      return;
    }
    // Spread over the first axis that has several positions; those before it have one.
    std::size_t axis = 0;
    for (; axis + 1 < cuts.size() && cuts[axis].count == 1; ++axis)
      source += cuts[axis].start * x.shape().count(static_cast<std::int64_t>(axis) + 1, x.rank());
    const std::int64_t inner = y.size() / cuts[axis].count;
    constexpr std::int64_t kGrain = 16384;  // elements
    run.threads.parallel_for(cuts[axis].count, std::max<std::int64_t>(1, kGrain / inner),
                             [&](std::int64_t begin, std::int64_t end) {
                               std::vector<Cut> part = cuts;
                               part[axis].start += begin * part[axis].step;
                               part[axis].count = end - begin;
                               copy_cuts(part, x.shape(), static_cast<std::int64_t>(axis), source,
                                         target + begin * inner);
                             });
  });
}

std::vector<Cut> whole(const Shape& shape) {
  std::vector<Cut> cuts;
  for (const std::int64_t dim : shape) cuts.push_back({.start = 0, .step = 1, .count = dim});
  return cuts;
}

OpFunction make_slice(const NodeContext& node) {
  return [starts = IntList(node, "starts", 1), ends = IntList(node, "ends", 2),
          axes = IntList(node, "axes", 3), steps = IntList(node, "", 4)](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto from = starts.get(run), to = ends.get(run);
    if (!from || !to || from->size() != to->size())
      throw bad_input("starts and ends are missing or differ in length");
    std::vector<std::int64_t> order(from->size());
    std::iota(order.begin(), order.end(), 0);
    order = axes.get(run).value_or(order);
    const auto by = steps.get(run).value_or(std::vector<std::int64_t>(from->size(), 1));
    if (order.size() != from->size() || by.size() != from->size())
      throw bad_input("starts, axes and steps differ in length");
    std::vector<Cut> cuts = whole(x.shape());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::int64_t axis = x.shape().normalize_axis(order[i]);
      cuts[static_cast<std::size_t>(axis)] = make_cut(x.shape()[axis], (*from)[i], (*to)[i], by[i]);
    }
    slice(x, cuts, 0, run);
  };
}

// Equal parts; the last one is smaller where they do not divide the axis.
std::vector<std::int64_t> even_parts(std::int64_t dim, std::int64_t parts) {
  const std::int64_t size = (dim + parts - 1) / parts;
  std::vector<std::int64_t> sizes;
  for (std::int64_t at = 0, i = 0; i < parts; ++i, at += size)
    sizes.push_back(std::clamp<std::int64_t>(dim - at, 0, size));
  return sizes;
}

OpFunction make_split(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", 0);
  const auto parts = static_cast<std::int64_t>(node.output_count());
  return [given, parts, split = IntList(node, "split", 1)](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t axis = x.shape().normalize_axis(given), dim = x.shape()[axis];
    const auto sizes = split.get(run).value_or(even_parts(dim, parts));
    if (static_cast<std::int64_t>(sizes.size()) != parts ||
        std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != dim ||
        std::any_of(sizes.begin(), sizes.end(), [](std::int64_t s) { return s < 0; }))
      throw bad_input("split " + Shape(sizes).str() + " does not fit " + std::to_string(parts) +
                      " outputs and axis " + std::to_string(axis) + " of " + x.str());
    std::vector<Cut> cuts = whole(x.shape());
    Cut& cut = cuts[static_cast<std::size_t>(axis)];
    cut.count = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      cut.start += cut.count;
      cut.count = sizes[i];
      slice(x, cuts, i, run);
    }
  };
}

constexpr OpRow kRows[] = {
    {"", "Slice", make_slice, QuantRole::kMoves, false},
    {"", "Split", make_split, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> slice_operators() {
  return kRows;
}

}  // namespace q8
