#include <algorithm>
#include <cstring>

#include "ops/families.h"
#include "ops/index_list.h"

namespace q8 {
namespace {

// Gather: y[outer, indices…, inner] = x[outer, index, inner].
OpFunction make_gather(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", 0);
  return [given](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& indices = run.input(1);
    const std::int64_t axis = x.shape().normalize_axis(given), dim = x.shape()[axis];
    const std::vector<std::int64_t> list = wrapped_indices(indices, dim);
    Tensor& y = run.output(0, x.dtype(), gathered_shape(x.shape(), axis, indices.shape()));
    const auto block =
        static_cast<std::size_t>(x.shape().count(axis + 1, x.rank())) * dtype_size(x.dtype());
    const std::int64_t outer = x.shape().count(0, axis);
    const auto count = static_cast<std::int64_t>(list.size());
    const std::byte* source = x.bytes();
    std::byte* target = y.mutable_bytes();
    run.threads.parallel_for(
        outer * count,
        std::max<std::int64_t>(1, std::int64_t{65536} / static_cast<std::int64_t>(block + 1)),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t row = i / count * dim + list[static_cast<std::size_t>(i % count)];
            std::memcpy(target + static_cast<std::size_t>(i) * block,
                        source + static_cast<std::size_t>(row) * block, block);
          }
        });
  };
}

// GatherElements: y[i, j, k] = x[index[i, j, k], j, k] for axis 0, and so on.
OpFunction make_gather_elements(const NodeContext& node) {
  const std::int64_t given = node.attributes().get_int("axis", 0);
  return [given](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& indices = run.input(1);
    const ElementIndex places(x.shape(), indices, given);
    Tensor& y = run.output(0, x.dtype(), indices.shape());
    const std::size_t size = dtype_size(x.dtype());
    places.for_each([&](std::int64_t i, std::int64_t at) {
      std::memcpy(y.mutable_bytes() + static_cast<std::size_t>(i) * size,
                  x.bytes() + static_cast<std::size_t>(at) * size, size);
    });
  };
}

OpFunction make_gather_nd(const NodeContext& node) {
  const std::int64_t batch_dims = node.attributes().get_int("batch_dims", 0);
  return [batch_dims](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& indices = run.input(1);
    const TupleIndex places(x.shape(), indices, batch_dims);
    const auto dims = indices.shape().dims();
    std::vector<std::int64_t> shape(dims.begin(), dims.end() - 1);
    shape.insert(shape.end(), x.shape().begin() + places.depth(), x.shape().end());
    Tensor& y = run.output(0, x.dtype(), Shape(std::move(shape)));
    const std::size_t block = static_cast<std::size_t>(places.block()) * dtype_size(x.dtype());
    for (std::size_t i = 0; i < places.offsets().size(); ++i)
      std::memcpy(y.mutable_bytes() + i * block,
                  x.bytes() + static_cast<std::size_t>(places.offsets()[i]) * dtype_size(x.dtype()),
                  block);
  };
}

constexpr OpRow kRows[] = {
    {"", "Gather", make_gather, QuantRole::kMoves, false},
    {"", "GatherElements", make_gather_elements, QuantRole::kMoves, false},
    {"", "GatherND", make_gather_nd, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> gather_operators() {
  return kRows;
}

}  // namespace q8
