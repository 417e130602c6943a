#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/int8/epilogue_u8s8.h"
#include "kernels/int8/packed_s8.h"
#include "kernels/tile_grid.h"

namespace q8 {

struct IndirectGemmU8S8 {
  std::int64_t m = 0;
  const PackedS8* b = nullptr;
  const EpilogueU8S8* epilogue = nullptr;
  void* c = nullptr;
  std::int64_t c_stride = 0;  // elements
};

std::int32_t sum_bytes(const std::uint8_t* bytes, std::int64_t count);

// What one thread needs to compute tiles of at most `most_rows` rows.
class TileRunner {
 public:
  TileRunner(const PackedS8& b, std::int64_t most_rows);
  ~TileRunner();
  TileRunner(const TileRunner&) = delete;
  TileRunner& operator=(const TileRunner&) = delete;

  // Where the pointers of a tile's rows go, [taps][rows].
  const std::uint8_t** rows() { return rows_.data(); }
  // tile: its output, rows and epilogue for the panels [first, end); the rest is filled in.
  void run(TileU8S8 tile, std::int64_t first, std::int64_t end);

 private:
  void run_panels(TileU8S8& tile, std::int64_t panels);

  const PackedS8& b_;
  StripShape shape_;
  std::vector<const std::uint8_t*> rows_;
  std::vector<std::int32_t> row_sums_, spill_;
  AlignedBuffer<std::uint8_t> scratch_;
};

// Computes C tile by tile. rows(first, count, out) writes the pointers of `count` rows from
// `first`: out[tap · count + i]; each is readable for 4·b.k4() bytes.
template <typename Rows>
void indirect_gemm_u8s8(const IndirectGemmU8S8& g, Rows&& rows, Threads& threads) {
  const PackedS8& b = *g.b;
  if (g.m == 0 || b.n() == 0) return;
  const TileGrid grid(g.m, b, threads.count());
  const FloatsToBytes* const then = g.epilogue->then();
  const std::int64_t element = then != nullptr ? 1 : element_bytes(g.epilogue->kind());
  threads.parallel_for(grid.parts(), 1, [&](std::int64_t begin, std::int64_t end) {
    TileRunner runner(b, grid.rows_per_tile());
    AlignedBuffer<float> floats;
    if (then != nullptr)
      floats = AlignedBuffer<float>(static_cast<std::size_t>(
          grid.rows_per_tile() * std::min(grid.block(), b.panels()) * b.row().nr));
    for (std::int64_t p = begin; p < end; ++p) {
      const TileGrid::Part part = grid.part(p);
      for (std::int64_t panel = part.first_panel; panel < part.end_panel; panel += grid.block()) {
        const std::int64_t end_panel = std::min(part.end_panel, panel + grid.block());
        const std::int64_t column = panel * b.row().nr;
        for (std::int64_t t = part.first_tile; t < part.end_tile; ++t) {
          const std::int64_t first = t * grid.rows_per_tile();
          const std::int64_t count = std::min(grid.rows_per_tile(), g.m - first);
          rows(first, count, runner.rows());
          TileU8S8 tile{};
          tile.rows = static_cast<int>(count);
          tile.columns = static_cast<int>(std::min(b.n(), end_panel * b.row().nr) - column);
          tile.out = static_cast<char*>(g.c) + (first * g.c_stride + column) * element;
          tile.out_stride = g.c_stride;
          auto* const bytes = static_cast<std::uint8_t*>(tile.out);
          if (then != nullptr) {
            tile.out = floats.data();
            tile.out_stride = tile.columns;
          }
          g.epilogue->fill(tile, column);
          // The first rows bring the weights in, a panel ahead.
          if (t == part.first_tile) tile.prefetch_ahead = b.panel_bytes();
          runner.run(tile, panel, end_panel);
          g.epilogue->look_up(tile, tile.rows, tile.columns);
          if (then != nullptr) then->run(floats.data(), tile.rows, tile.columns, bytes, g.c_stride);
        }
      }
    }
  });
}

}  // namespace q8
