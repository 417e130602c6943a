#include "kernels/tile_grid.h"

#include <algorithm>

namespace q8 {
namespace {

// Parts of rows for each thread: one that is disturbed leaves work to the others, and neighbouring
// layers still find most of their input in their own cache.
constexpr std::int64_t kPartsPerThread = 2;
// Threads that share out rows read all weights each. Threads that share out panels read all rows,
// and the next layer, which shares out rows, finds its input in other threads' caches: they do it
// where the weights are so many times as large as rows and results. Measured with ResNet-50 and
// MobileNetV2, two threads: 4 and 8 are alike, 1 is slower by 3 %.
constexpr std::int64_t kManyWeights = 4;
// A tile of fewer rows uses each weight too seldom.
constexpr std::int64_t kFewestRows = 8;

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

TileGrid::TileGrid(std::int64_t m, const PackedS8& b, int threads) : m_(m), panels_(b.panels()) {
  if (m == 0 || panels_ == 0) {
    row_parts_ = 0;
    return;
  }
  // Even tiles: 49 rows in tiles of 12 are five of 10, not four of 12 and a slow one of 1.
  row_tiles_ = divide_up(m, b.row().mr);
  constexpr std::int64_t kBlockBytes = 384 << 10;
  block_ = std::clamp<std::int64_t>(kBlockBytes / std::max<std::int64_t>(1, b.panel_bytes()), 1,
                                    panels_);
  if (threads > 1) {
    const std::int64_t depth = 4 * b.k4();
    if (b.n() * b.taps() * depth > kManyWeights * m * (depth + b.n()))
      cut_panels(threads);
    else
      cut_rows(threads);
  }
  rows_per_tile_ = divide_up(m, row_tiles_);
  row_tiles_ = divide_up(m, rows_per_tile_);
  row_parts_ = std::min(row_parts_, row_tiles_);
}

void TileGrid::cut_rows(std::int64_t threads) {
  row_tiles_ = std::max(row_tiles_, std::min(threads, divide_up(m_, kFewestRows)));
  // As many for every thread.
  if (row_tiles_ < kPartsPerThread * threads && row_tiles_ > threads)
    row_tiles_ = divide_up(row_tiles_, threads) * threads;
  row_parts_ = std::min(row_tiles_, kPartsPerThread * threads);
  if (row_parts_ < threads) panel_parts_ = std::min(panels_, divide_up(threads, row_parts_));
}

void TileGrid::cut_panels(std::int64_t threads) {
  rows_first_ = false;
  panel_parts_ = std::min(panels_, threads);
  if (panel_parts_ == threads) return;
  const std::int64_t wanted = divide_up(threads, panel_parts_);
  row_tiles_ = std::max(row_tiles_, std::min(wanted, divide_up(m_, kFewestRows)));
  row_parts_ = std::min(row_tiles_, wanted);
}

TileGrid::Part TileGrid::part(std::int64_t index) const {
  const std::int64_t row = rows_first_ ? index / panel_parts_ : index % row_parts_;
  const std::int64_t panel = rows_first_ ? index % panel_parts_ : index / row_parts_;
  return {.first_tile = row_tiles_ * row / row_parts_,
          .end_tile = row_tiles_ * (row + 1) / row_parts_,
          .first_panel = panels_ * panel / panel_parts_,
          .end_panel = panels_ * (panel + 1) / panel_parts_};
}

}  // namespace q8
