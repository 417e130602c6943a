#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/families.h"
#include "ops/int_list.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

enum class PadMode { kConstant, kReflect, kEdge, kWrap };

PadMode parse_mode(const std::string& name) {
  if (name == "constant") return PadMode::kConstant;
  if (name == "reflect") return PadMode::kReflect;
  if (name == "edge") return PadMode::kEdge;
  if (name == "wrap") return PadMode::kWrap;
  throw bad_input("mode is '" + name + "', not constant, reflect, edge or wrap");
}

// Where position i of a padded axis comes from on the axis of `dim` elements; -1: from nowhere.
std::int64_t source_index(std::int64_t i, std::int64_t dim, PadMode mode) {
  if (i >= 0 && i < dim) return i;
  switch (mode) {
    case PadMode::kConstant:
      return -1;
    case PadMode::kEdge:
      return std::clamp<std::int64_t>(i, 0, dim - 1);
    case PadMode::kWrap:
      return (i % dim + dim) % dim;
    case PadMode::kReflect:
      break;
  }
  if (dim == 1) return 0;
  const std::int64_t period = 2 * (dim - 1), at = (i % period + period) % period;
  return at < dim ? at : period - at;
}

// Where the positions of each axis of y come from.
struct PadPlan {
  Shape from, to;
  std::vector<std::vector<std::int64_t>> sources;
  std::int64_t last_padded;  // the axes behind it stay as they are
};

// The positions [begin, end) of an axis.
template <typename T>
void pad_axis(const PadPlan& plan, std::int64_t axis, std::int64_t begin, std::int64_t end,
              const T* x, T* y, T value) {
  const std::int64_t inner_x = plan.from.count(axis + 1, plan.from.rank()),
                     inner_y = plan.to.count(axis + 1, plan.to.rank());
  const auto& sources = plan.sources[static_cast<std::size_t>(axis)];
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t source = sources[static_cast<std::size_t>(i)];
    std::int64_t run = 1;  // neighbours that are neighbours in x too
    if (source < 0) {
      std::fill_n(y, inner_y, value);
    } else if (axis < plan.last_padded) {
      pad_axis(plan, axis + 1, 0, plan.to[axis + 1], x + source * inner_x, y, value);
    } else {
      while (i + run < end && sources[static_cast<std::size_t>(i + run)] == source + run) ++run;
      std::copy_n(x + source * inner_x, run * inner_x, y);
    }
    y += run * inner_y;
    i += run;
  }
}

template <typename T>
void pad(const PadPlan& plan, const T* x, T* y, T value, Threads& threads) {
  // The first axes of one position are passed by, so that there is an axis to spread over threads.
  std::int64_t axis = 0;
  while (axis < plan.last_padded && plan.to[axis] == 1 &&
         plan.sources[static_cast<std::size_t>(axis)][0] == 0)
    ++axis;
  const std::int64_t inner = plan.to.count(axis + 1, plan.to.rank());
  const std::int64_t outer = plan.to.count(0, axis);
  constexpr std::int64_t kGrain = 16384;  // elements
  threads.parallel_for(outer * plan.to[axis],
                       std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, inner)),
                       [&](std::int64_t begin, std::int64_t end) {
                         pad_axis(plan, axis, begin, end, x, y + begin * inner, value);
                       });
}

// Begin and end pads of every axis.
struct Pads {
  std::vector<std::int64_t> begin, end;
};

Pads spread_pads(const Tensor& x, const std::vector<std::int64_t>& pads,
                 const std::vector<std::int64_t>& axes) {
  if (pads.size() != 2 * axes.size())
    throw bad_input(std::to_string(pads.size()) + " pads for " + std::to_string(axes.size()) +
                    " axes");
  const std::vector<std::int64_t> zeros(static_cast<std::size_t>(x.rank()), 0);
  Pads all{zeros, zeros};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(x.shape().normalize_axis(axes[i]));
    all.begin[axis] = pads[i];
    all.end[axis] = pads[i + axes.size()];
  }
  return all;
}

// One element of the type of x, to pad with.
Tensor pad_value(const RunContext& run, const Tensor& x, float attribute) {
  if (!run.has_input(2)) return cast(Tensor::scalar(attribute), x.dtype());
  const Tensor& given = run.input(2);
  if (given.size() != 1 || given.dtype() != x.dtype())
    throw bad_input("the padding value is " + given.str() + ", not one element like " + x.str());
  return given;
}

OpFunction make_pad(const NodeContext& node) {
  const PadMode mode = parse_mode(node.attributes().get_string("mode", "constant"));
  const float value = node.attributes().get_float("value", 0);
  return [mode, value, list = IntList(node, "pads", 1),
          axis_list = IntList(node, "", 3)](RunContext& run) {
    const Tensor& x = run.input(0);
    std::vector<std::int64_t> axes(static_cast<std::size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    axes = axis_list.get(run).value_or(axes);
    const auto given = list.get(run);
    if (!given) throw bad_input("the pads are missing");
    const Pads pads = spread_pads(x, *given, axes);

    Shape shape = x.shape();
    PadPlan plan{.from = x.shape(), .to = {}, .sources = {}, .last_padded = 0};
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) {
      const std::int64_t dim = x.shape()[axis];
      const std::int64_t begin = pads.begin[static_cast<std::size_t>(axis)],
                         end = pads.end[static_cast<std::size_t>(axis)];
      shape[axis] = dim + begin + end;
      // What negative pads take away is gone before the rest is reflected or repeated.
      const std::int64_t cut = std::max<std::int64_t>(-begin, 0),
                         left = dim - cut - std::max<std::int64_t>(-end, 0);
      if (shape[axis] < 0 || left < 0 ||
          (left == 0 && shape[axis] > 0 && mode != PadMode::kConstant))
        throw bad_input("pads " + Shape(*given).str() + " do not fit " + x.str());
      if (shape[axis] != dim || begin != 0) plan.last_padded = axis;
      auto& list_of_axis = plan.sources.emplace_back();
      for (std::int64_t i = 0; i < shape[axis]; ++i) {
        const std::int64_t from = source_index(i - std::max<std::int64_t>(begin, 0), left, mode);
        list_of_axis.push_back(from < 0 ? from : cut + from);
      }
    }
    if (std::all_of(given->begin(), given->end(), [](std::int64_t p) { return p == 0; }))
      return run.set_output(0, x);
    Tensor& y = run.output(0, x.dtype(), shape);
    const Tensor filler = pad_value(run, x, value);
    plan.to = shape;
    with_size_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      pad(plan, reinterpret_cast<const T*>(x.bytes()), reinterpret_cast<T*>(y.mutable_bytes()),
          *reinterpret_cast<const T*>(filler.bytes()), run.threads);
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Pad", make_pad, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> pad_operators() {
  return kRows;
}

}  // namespace q8
