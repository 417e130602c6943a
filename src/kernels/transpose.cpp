#include "kernels/transpose.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "kernels/transpose_rows.h"

namespace q8 {
namespace {

TransposeFunction function_for(const TransposeRow& row, std::int64_t element_bytes) {
  switch (element_bytes) {
    case 1:
      return row.bytes1;
    case 2:
      return row.bytes2;
    case 4:
      return row.bytes4;
    default:
      Q8_ASSERT(element_bytes == 8);
      return row.bytes8;
  }
}

}  // namespace

void transpose(const KernelSet& kernels, const Transpose& shape, const void* in, void* out,
               Threads& threads) {
  const TransposeFunction function = function_for(*kernels.transpose, shape.element_bytes);
  const auto* from = static_cast<const std::byte*>(in);
  auto* to = static_cast<std::byte*>(out);
  // Tiles of 64 × 64: their rows stay in L1 and their lines are whole on both sides.
  constexpr std::int64_t kTile = 64;
  const std::int64_t row_tiles = (shape.rows + kTile - 1) / kTile;
  const std::int64_t column_tiles = (shape.columns + kTile - 1) / kTile;
  threads.parallel_for(
      shape.batch * column_tiles * row_tiles, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t matrix = i / row_tiles / column_tiles * shape.rows * shape.columns;
          const std::int64_t c = i / row_tiles % column_tiles * kTile;
          const std::int64_t r = i % row_tiles * kTile;
          function(from + (matrix + r * shape.columns + c) * shape.element_bytes, shape.columns,
                   to + (matrix + c * shape.rows + r) * shape.element_bytes, shape.rows,
                   std::min(kTile, shape.rows - r), std::min(kTile, shape.columns - c));
        }
      });
}

}  // namespace q8
