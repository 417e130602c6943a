#include <algorithm>
#include <cstring>

#include "ops/families.h"
#include "ops/index_list.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

enum class Reduction { kNone, kAdd, kMul, kMax, kMin };

Reduction parse_reduction(const NodeContext& node) {
  const std::string name = node.attributes().get_string("reduction", "none");
  if (name == "none") return Reduction::kNone;
  if (name == "add") return Reduction::kAdd;
  if (name == "mul") return Reduction::kMul;
  if (name == "max") return Reduction::kMax;
  if (name == "min") return Reduction::kMin;
  throw bad_input("reduction is '" + name + "', not none, add, mul, max or min");
}

template <typename T>
T reduced(T old, T update, Reduction reduction) {
  if constexpr (std::is_same_v<T, bool>) {
    const bool is_or = reduction == Reduction::kAdd || reduction == Reduction::kMax;
    return is_or ? old || update : old && update;
  } else {
    switch (reduction) {
      case Reduction::kAdd:
        return static_cast<T>(old + update);
      case Reduction::kMul:
        return static_cast<T>(old * update);
      case Reduction::kMax:
        return std::max(old, update);
      default:
        return std::min(old, update);
    }
  }
}

// y starts as a copy of the data; then block i of the updates goes to offsets(i), in order.
template <typename ForEach>
void scatter(RunContext& run, const Tensor& x, const Tensor& updates, std::int64_t block,
             Reduction reduction, ForEach&& for_each) {
  if (updates.dtype() != x.dtype())
    throw bad_input("updates " + updates.str() + " for data " + x.str());
  Tensor& y = run.output(0, x.dtype(), x.shape());
  std::memcpy(y.mutable_bytes(), x.bytes(), x.size_bytes());
  const std::size_t size = dtype_size(x.dtype());
  if (reduction == Reduction::kNone) {
    for_each([&](std::int64_t i, std::int64_t at) {
      std::memcpy(y.mutable_bytes() + static_cast<std::size_t>(at) * size,
                  updates.bytes() + static_cast<std::size_t>(i * block) * size,
                  static_cast<std::size_t>(block) * size);
    });
    return;
  }
  with_native_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = updates.data<T>();
    T* target = y.mutable_data<T>();
    for_each([&](std::int64_t i, std::int64_t at) {
      for (std::int64_t k = 0; k < block; ++k)
        target[at + k] = reduced(target[at + k], source[i * block + k], reduction);
    });
  });
}

OpFunction make_scatter_elements(const NodeContext& node) {
  const std::int64_t axis = node.attributes().get_int("axis", 0);
  return [axis, reduction = parse_reduction(node)](RunContext& run) {
    const Tensor& indices = run.input(1);
    const Tensor& updates = run.input(2);
    if (updates.shape() != indices.shape())
      throw bad_input("updates " + updates.str() + " for indices " + indices.str());
    const ElementIndex places(run.input(0).shape(), indices, axis);
    scatter(run, run.input(0), updates, 1, reduction,
            [&](auto&& function) { places.for_each(function); });
  };
}

OpFunction make_scatter_nd(const NodeContext& node) {
  return [reduction = parse_reduction(node)](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& updates = run.input(2);
    const TupleIndex places(x.shape(), run.input(1), 0);
    const auto& offsets = places.offsets();
    if (updates.size() != static_cast<std::int64_t>(offsets.size()) * places.block())
      throw bad_input("updates " + updates.str() + " for indices " + run.input(1).str() +
                      " and data " + x.str());
    scatter(run, x, updates, places.block(), reduction, [&](auto&& function) {
      for (std::size_t i = 0; i < offsets.size(); ++i)
        function(static_cast<std::int64_t>(i), offsets[i]);
    });
  };
}

// A cache with new rows written along one axis, from write_indices[batch] on.
OpFunction make_tensor_scatter(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", -2);
  const std::string mode = node.attributes().get_string("mode", "linear");
  if (mode != "linear" && mode != "circular")
    throw bad_input("mode is '" + mode + "', not linear or circular");
  return [given, is_circular = mode == "circular"](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& update = run.input(1);
    const std::int64_t axis = x.shape().normalize_axis(given);
    Shape expected = x.shape();
    if (axis == 0) throw bad_input("axis 0 is the batch");
    if (update.rank() == x.rank()) expected[axis] = update.shape()[axis];
    if (update.shape() != expected)
      throw bad_input("update " + update.str() + " for a cache " + x.str());
    const std::int64_t dim = x.shape()[axis], rows = update.shape()[axis],
                       block = x.shape().count(axis + 1, x.rank()),
                       in_batch = x.shape().count(1, axis), outer = x.shape().count(0, axis);
    std::vector<std::int64_t> starts(static_cast<std::size_t>(x.shape()[0]), 0);
    if (run.has_input(2)) starts = run.input(2).to_int64s();
    if (static_cast<std::int64_t>(starts.size()) != x.shape()[0])
      throw bad_input(std::to_string(starts.size()) + " write_indices for a cache " + x.str());
    scatter(run, x, update, block, Reduction::kNone, [&](auto&& function) {
      for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t r = 0; r < rows; ++r) {
          std::int64_t at = starts[static_cast<std::size_t>(o / in_batch)] + r;
          if (is_circular) at = (at % dim + dim) % dim;
          if (at < 0 || at >= dim)
            throw bad_input("row " + std::to_string(at) + " is outside the cache " + x.str());
          function(o * rows + r, (o * dim + at) * block);
        }
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Scatter", make_scatter_elements, QuantRole::kFloat, true},
    {"", "ScatterElements", make_scatter_elements, QuantRole::kFloat, true},
    {"", "ScatterND", make_scatter_nd, QuantRole::kFloat, true},
    {"", "TensorScatter", make_tensor_scatter, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> scatter_operators() {
  return kRows;
}

}  // namespace q8
