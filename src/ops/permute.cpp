#include "ops/permute.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include "kernels/transpose.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements
constexpr std::int64_t kBlock = 32;     // of a 2-D transpose: two blocks of 8-byte elements fit L1

// One loop over y, outermost first; `stride` is in elements of x.
struct Axis {
  std::int64_t size, stride;
};

// Axes of size 1 dropped, neighbours that stay neighbours merged.
std::vector<Axis> merged_axes(const Shape& from, std::span<const std::int64_t> order) {
  std::vector<Axis> axes;
  for (const std::int64_t axis : order) {
    const Axis next{from[axis], from.count(axis + 1, from.rank())};
    if (next.size == 1) continue;
    if (!axes.empty() && axes.back().stride == next.stride * next.size)
      axes.back() = {axes.back().size * next.size, next.stride};
    else
      axes.push_back(next);
  }
  return axes;
}

// Calls function(offset in x) for every index of `axes` numbered [begin, end).
template <typename Function>
void for_each_offset(std::span<const Axis> axes, std::int64_t begin, std::int64_t end,
                     Function&& function) {
  std::vector<std::int64_t> index(axes.size());
  std::int64_t offset = 0, rest = begin;
  for (std::size_t d = axes.size(); d-- > 0;) {
    index[d] = rest % axes[d].size;
    rest /= axes[d].size;
    offset += index[d] * axes[d].stride;
  }
  for (std::int64_t i = begin; i < end; ++i) {
    function(i, offset);
    for (std::size_t d = axes.size(); d-- > 0;) {
      offset += axes[d].stride;
      if (++index[d] < axes[d].size) break;
      offset -= axes[d].stride * axes[d].size;
      index[d] = 0;
    }
  }
}

// y[r, c] = x[r + c * stride_c] for r moving through neighbours in x: in blocks, both stay cached.
template <typename T>
void transpose_block(const T* x, std::int64_t rows, std::int64_t columns, std::int64_t stride_r,
                     std::int64_t stride_c, T* y) {
  for (std::int64_t r0 = 0; r0 < rows; r0 += kBlock)
    for (std::int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      const std::int64_t r1 = std::min(r0 + kBlock, rows), c1 = std::min(c0 + kBlock, columns);
      for (std::int64_t r = r0; r < r1; ++r)
        for (std::int64_t c = c0; c < c1; ++c) y[r * columns + c] = x[r * stride_r + c * stride_c];
    }
}

// Copies runs of one length; without a call where they are as short as a head's channels.
template <typename Copy>
void with_run_copier(std::size_t bytes, Copy&& copy) {
  const auto fixed = [&]<std::size_t kBytes>(std::integral_constant<std::size_t, kBytes>) {
    copy([](void* to, const void* from) { std::memcpy(to, from, kBytes); });
  };
  switch (bytes) {
    case 16:
      return fixed(std::integral_constant<std::size_t, 16>{});
    case 32:
      return fixed(std::integral_constant<std::size_t, 32>{});
    case 64:
      return fixed(std::integral_constant<std::size_t, 64>{});
    case 128:
      return fixed(std::integral_constant<std::size_t, 128>{});
    default:
      return copy([bytes](void* to, const void* from) { std::memcpy(to, from, bytes); });
  }
}

template <typename T>
void permute_elements(std::span<const Axis> axes, const T* x, T* y, Threads& threads) {
  const std::size_t last = axes.size() - 1;
  const Axis inner = axes[last];
  std::int64_t outer = 1;
  for (std::size_t d = 0; d < last; ++d) outer *= axes[d].size;

  if (inner.stride == 1) {  // whole runs move
    const std::int64_t grain = std::max<std::int64_t>(1, kGrain / inner.size);
    with_run_copier(static_cast<std::size_t>(inner.size) * sizeof(T), [&](auto copy) {
      threads.parallel_for(outer, grain, [&](std::int64_t begin, std::int64_t end) {
        for_each_offset(axes.first(last), begin, end, [&](std::int64_t i, std::int64_t offset) {
          copy(y + i * inner.size, x + offset);
        });
      });
    });
    return;
  }
  // The last two axes of y as a matrix. Where the one before the last is not the neighbour in x,
  // the blocks still bound how far apart the reads are.
  const Axis rows = last > 0 ? axes[last - 1] : Axis{1, 0};
  const std::int64_t matrices = last > 0 ? outer / rows.size : 1;
  const std::int64_t strips = (rows.size + kBlock - 1) / kBlock;
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / (kBlock * inner.size));
  threads.parallel_for(matrices * strips, grain, [&](std::int64_t begin, std::int64_t end) {
    const auto matrix_axes = last > 0 ? axes.first(last - 1) : axes.first(0);
    for_each_offset(matrix_axes, begin / strips, (end + strips - 1) / strips,
                    [&](std::int64_t matrix, std::int64_t offset) {
                      const std::int64_t first = std::max(begin - matrix * strips, std::int64_t{0});
                      const std::int64_t stop = std::min(end - matrix * strips, strips);
                      const std::int64_t r = first * kBlock;
                      const std::int64_t count = std::min(stop * kBlock, rows.size) - r;
                      transpose_block(x + offset + r * rows.stride, count, inner.size, rows.stride,
                                      inner.stride, y + (matrix * rows.size + r) * inner.size);
                    });
  });
}

// As [batch, rows, columns] of x with the last two swapped, where the axes of y say so.
std::optional<Transpose> as_transpose(std::span<const Axis> axes, std::size_t element_bytes) {
  if (axes.size() != 2 && axes.size() != 3) return std::nullopt;
  const Axis columns = axes[axes.size() - 2], rows = axes[axes.size() - 1];
  if (columns.stride != 1 || rows.stride != columns.size) return std::nullopt;
  if (axes.size() == 3 && axes[0].stride != rows.size * columns.size) return std::nullopt;
  return Transpose{.batch = axes.size() == 3 ? axes[0].size : 1,
                   .rows = rows.size,
                   .columns = columns.size,
                   .element_bytes = static_cast<std::int64_t>(element_bytes)};
}

}  // namespace

void permute(const Tensor& x, std::span<const std::int64_t> order, Tensor& y, Threads& threads,
             const KernelSet* kernels) {
  Q8_ASSERT(x.size() == y.size() && x.dtype() == y.dtype());
  if (x.size() == 0) return;
  const std::vector<Axis> axes = merged_axes(x.shape(), order);
  if (axes.empty()) {
    std::memcpy(y.mutable_bytes(), x.bytes(), x.size_bytes());
    return;
  }
  if (kernels != nullptr)
    if (const auto swap = as_transpose(axes, dtype_size(x.dtype()))) {
      transpose(*kernels, *swap, x.bytes(), y.mutable_bytes(), threads);
      return;
    }
  with_size_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    permute_elements(std::span<const Axis>(axes), reinterpret_cast<const T*>(x.bytes()),
                     reinterpret_cast<T*>(y.mutable_bytes()), threads);
  });
}

}  // namespace q8
