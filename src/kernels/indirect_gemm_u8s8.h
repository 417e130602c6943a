#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/epilogue_u8s8.h"
#include "kernels/overflow.h"
#include "kernels/packed_s8.h"

namespace q8 {

struct IndirectGemmU8S8 {
  std::int64_t m = 0;
  const PackedS8* b = nullptr;
  const EpilogueU8S8* epilogue = nullptr;
  void* c = nullptr;
  std::int64_t c_stride = 0;  // elements
};

// How rows and panels are cut into tiles.
struct TileGrid {
  TileGrid(std::int64_t m, const PackedS8& b, int thread_count) {
    const std::int64_t mr = b.row().mr;
    row_tiles = (m + mr - 1) / mr;
    // Even tiles: 49 rows in tiles of 12 are five of 10, not four of 12 and a slow one of 1.
    rows_per_tile = row_tiles == 0 ? 1 : (m + row_tiles - 1) / row_tiles;
    row_tiles = (m + rows_per_tile - 1) / rows_per_tile;
    // A block of panels stays in the second-level cache while the row tiles pass over it.
    constexpr std::int64_t kBlockBytes = 384 << 10;
    block = std::clamp<std::int64_t>(kBlockBytes / std::max<std::int64_t>(1, b.panel_bytes()), 1,
                                     std::max<std::int64_t>(1, b.panels()));
    if (thread_count > 1 && row_tiles < 4 * thread_count) {
      const std::int64_t wanted =
          (4 * thread_count + row_tiles - 1) / std::max<std::int64_t>(1, row_tiles);
      block = std::max<std::int64_t>(1, std::min(block, b.panels() / wanted));
    }
    blocks = (b.panels() + block - 1) / block;
  }
  std::int64_t row_tiles, rows_per_tile, block, blocks;
};

std::int32_t sum_bytes(const std::uint8_t* bytes, std::int64_t count);

struct NothingAfter {
  void operator()(std::int64_t, std::int64_t, std::int64_t, std::int64_t) const {}
};

// Computes C tile by tile. rows(first, count, out) writes the pointers of `count` rows from
// `first`: out[tap · count + i]; each is readable for 4·b.k4() bytes. after(first_row, rows,
// first_column, columns) is called when a tile is done.
template <typename Rows, typename After = NothingAfter>
void indirect_gemm_u8s8(const IndirectGemmU8S8& g, Rows&& rows, Threads& threads,
                        After&& after = {}) {
  const PackedS8& b = *g.b;
  if (g.m == 0 || b.n() == 0) return;
  const TileGrid grid(g.m, b, threads.count());
  const std::int64_t element = element_bytes(g.epilogue->kind());
  threads.parallel_for(grid.blocks * grid.row_tiles, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<const std::uint8_t*> pointers(
        static_cast<std::size_t>(b.taps() * grid.rows_per_tile));
    std::vector<std::int32_t> spill(static_cast<std::size_t>(b.row().mr * b.row().nr));
    std::vector<std::int32_t> row_sums(static_cast<std::size_t>(grid.rows_per_tile));
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t first = t % grid.row_tiles * grid.rows_per_tile;
      const std::int64_t count = std::min(grid.rows_per_tile, g.m - first);
      rows(first, count, pointers.data());
      TileU8S8 tile{};
      tile.a = pointers.data();
      tile.taps = b.taps();
      tile.k4 = b.k4();
      tile.rows = static_cast<int>(count);
      tile.out_stride = g.c_stride;
      tile.spill = spill.data();
      if (b.has_zero_point()) {
        for (std::int64_t i = 0; i < count; ++i) {
          std::int32_t sum = 0;
          for (std::int64_t tap = 0; tap < b.taps(); ++tap)
            sum += sum_bytes(pointers[static_cast<std::size_t>(tap * count + i)], b.k());
          row_sums[static_cast<std::size_t>(i)] = sum;
        }
        tile.row_sum = row_sums.data();
      }
      const std::int64_t block = t / grid.row_tiles;
      for (std::int64_t p = block * grid.block; p < std::min(b.panels(), (block + 1) * grid.block);
           ++p) {
        const std::int64_t column = p * b.row().nr;
        tile.b = b.panel(p);
        tile.b_zero_point = b.zero_point() + column;
        tile.columns = static_cast<int>(std::min<std::int64_t>(b.row().nr, b.n() - column));
        tile.out = static_cast<char*>(g.c) + (first * g.c_stride + column) * element;
        g.epilogue->fill(tile, column);
        b.row().tile(tile);
        if (b.row().overflow != nullptr) b.row().overflow->add(count_overflow(tile, b.row().nr));
        after(first, count, column, std::int64_t{tile.columns});
      }
    }
  });
}

}  // namespace q8
