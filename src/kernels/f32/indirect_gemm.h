#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/f32/elementwise_kernels.h"
#include "kernels/f32/gemm_kernels.h"
#include "kernels/f32/packed.h"

namespace q8 {

// What happens to a sum before it is stored: + bias[column], + residual[row][column], clamp, and a
// function.
struct EpilogueF32 {
  const float* bias = nullptr;      // [n] or null
  const float* residual = nullptr;  // [m, n], rows ld_residual apart, or null
  std::int64_t ld_residual = 0;
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
  UnaryCallF32 then = {};  // after the clamp
};

// C[m, n] = epilogue(A · B), where a function tells for each row of A and tap where its channels
// are.
struct IndirectGemmF32 {
  const PackedF32* b = nullptr;
  std::int64_t row_offset = 0;  // added to the pointers
  float* c = nullptr;
  std::int64_t ldc = 0;
  std::int64_t first_column = 0;  // the one that begins at c
  EpilogueF32 epilogue = {};
};

// A block of k that a tile runs through before the next tile: whole taps, or part of one.
struct DepthBlock {
  std::int64_t tap, taps, channel, channels;
};
std::vector<DepthBlock> depth_blocks(std::int64_t taps, std::int64_t channels);

// How C is cut into independent tasks, each of some rows and some panels. Neighbours have the same
// rows.
class GemmTasks {
 public:
  GemmTasks(std::int64_t m, const PackedF32& b, int threads);

  struct Task {
    std::int64_t row_begin, row_end, panel_begin, panel_end;
  };
  std::int64_t count() const { return row_tasks_ * panel_tasks_; }
  Task task(std::int64_t index) const;

 private:
  std::int64_t row_of_tile(std::int64_t tile) const { return m_ * tile / tiles_; }

  std::int64_t m_, panels_, tiles_;  // tiles of rows
  std::int64_t row_tasks_, panel_tasks_ = 1;
};

// GemmTileF32::prefetch_step of tile `index` of `tiles` that read a block of B one after the other.
// The first few ask for the next block, a share of it each; more would not be sooner, and asking
// takes the ports of loads.
inline std::int64_t prefetch_step(std::int64_t index, std::int64_t tiles, std::int64_t nr) {
  constexpr std::int64_t kLine = 64, kAsking = 4;
  if (index >= kAsking) return 0;
  return std::min(kLine, std::int64_t{sizeof(float)} * nr / std::min(tiles, kAsking));
}

// The rows and panels of one task, on the calling thread.
//   fill(first, count, leading, rows): rows[tap · leading + i] = where row first + i has that tap.
//     It may return a number above 1 where B is one block of k: so many taps lie one behind the
//     other for all these rows, and `tap` counts groups of them.
template <typename Fill>
void indirect_gemm_block(const IndirectGemmF32& g, const GemmTasks::Task& task, const Fill& fill) {
  const auto [row_begin, row_end, panel_begin, panel_end] = task;
  const PackedF32& b = *g.b;
  const std::int64_t mr = b.row().mr, nr = b.row().nr;
  const std::int64_t m = row_end - row_begin;
  const std::int64_t tiles = (m + mr - 1) / mr;
  const auto tile_begin = [&](std::int64_t tile) { return row_begin + m * tile / tiles; };
  std::vector<const float*> rows(static_cast<std::size_t>(tiles * b.taps() * mr));
  const auto tile_rows = [&](std::int64_t tile) { return rows.data() + tile * b.taps() * mr; };
  constexpr bool kJoins = !std::is_void_v<decltype(fill(0, 0, 0, rows.data()))>;
  std::vector<std::int64_t> joined(kJoins ? static_cast<std::size_t>(tiles) : 0);
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t first = tile_begin(tile), count = tile_begin(tile + 1) - first;
    if constexpr (kJoins)
      joined[static_cast<std::size_t>(tile)] = fill(first, count, mr, tile_rows(tile));
    else
      fill(first, count, mr, tile_rows(tile));
  }

  const std::int64_t panel_step = m == 1 ? b.row().row_panels : 1;
  const std::vector<DepthBlock> blocks = depth_blocks(b.taps(), b.channels());
  const auto packed_at = [&](std::size_t d, std::int64_t panel) {
    return b.panel(panel) + (blocks[d].tap * b.channels() + blocks[d].channel) * nr;
  };
  // Where B stays in L2, its first reading by many tiles does not count.
  constexpr std::int64_t kNearBytes = 512 * 1024, kFewTiles = 6;
  const bool stays_near =
      tiles > kFewTiles &&
      std::int64_t{sizeof(float)} * (panel_end - panel_begin) * b.panel_stride() <= kNearBytes;
  // `next`: the block of B that is wanted after this one. Tiles ask for it ahead, so that
  // weights that come from far away are near when their turn comes.
  const auto run_tile = [&](std::size_t d, std::int64_t panel, std::int64_t tile,
                            const float* next) {
    const DepthBlock& block = blocks[d];
    const std::int64_t column = panel * nr, row = tile_begin(tile);
    const std::int64_t columns = std::min(panel + panel_step, panel_end) * nr;
    const std::int64_t step = stays_near ? 0 : prefetch_step(tile, tiles, nr);
    const std::int64_t share = step * block.taps * block.channels;
    const std::int64_t group = kJoins ? joined[static_cast<std::size_t>(tile)] : 1;
    b.row().tile({
        .rows = tile_rows(tile) + block.tap * mr,
        .row_offset = g.row_offset + block.channel,
        .taps = block.taps / group,
        .channels = block.channels * group,
        .packed = packed_at(d, panel),
        .packed_tap_stride = b.channels() * nr * group,
        .packed_panel_stride = b.panel_stride(),
        .c = g.c + row * g.ldc + column - g.first_column,
        .ldc = g.ldc,
        .m = tile_begin(tile + 1) - row,
        .n = std::min(columns, b.n()) - column,
        .first = d == 0,
        .last = d + 1 == blocks.size(),
        .bias = g.epilogue.bias == nullptr ? nullptr : g.epilogue.bias + column,
        .residual = g.epilogue.residual == nullptr
                        ? nullptr
                        : g.epilogue.residual + row * g.epilogue.ld_residual + column,
        .ld_residual = g.epilogue.ld_residual,
        .lo = g.epilogue.lo,
        .hi = g.epilogue.hi,
        .prefetch = reinterpret_cast<const char*>(next) + tile * share,
        .prefetch_step = step,
    });
  };
  // Where the panels stay in L1 altogether, C is written row by row.
  constexpr std::int64_t kNear = 24 * 1024;
  if (blocks.size() == 1 && panel_step == 1 &&
      4 * (panel_end - panel_begin) * b.panel_stride() <= kNear) {
    for (std::int64_t tile = 0; tile < tiles; ++tile)
      for (std::int64_t panel = panel_begin; panel < panel_end; ++panel)
        run_tile(0, panel, tile, packed_at(0, panel));
  } else {
    for (std::size_t d = 0; d < blocks.size(); ++d)
      for (std::int64_t panel = panel_begin; panel < panel_end; panel += panel_step) {
        const bool is_last = panel + panel_step >= panel_end;
        const float* next = !is_last                ? packed_at(d, panel + panel_step)
                            : d + 1 < blocks.size() ? packed_at(d + 1, panel_begin)
                                                    : packed_at(0, panel_begin);
        for (std::int64_t tile = 0; tile < tiles; ++tile) run_tile(d, panel, tile, next);
      }
  }
  if (g.epilogue.then.function == nullptr) return;
  const std::int64_t first = panel_begin * nr, columns = std::min(panel_end * nr, b.n()) - first;
  float* c = g.c + row_begin * g.ldc + first - g.first_column;
  if (columns == g.ldc) return g.epilogue.then(c, m * columns);
  for (std::int64_t row = 0; row < m; ++row) g.epilogue.then(c + row * g.ldc, columns);
}

}  // namespace q8
