#pragma once

#include <cstdint>

#include "kernels/int8/packed_s8.h"

namespace q8 {

// How a product of m rows and the panels of b is cut: into tiles of rows, into blocks of panels
// that stay in the second-level cache while the tiles pass over them, and into parts, each of which
// one thread computes at a stretch.
class TileGrid {
 public:
  TileGrid(std::int64_t m, const PackedS8& b, int threads);

  struct Part {
    std::int64_t first_tile, end_tile;  // of rows
    std::int64_t first_panel, end_panel;
  };
  std::int64_t parts() const { return row_parts_ * panel_parts_; }
  Part part(std::int64_t index) const;

  std::int64_t rows_per_tile() const { return rows_per_tile_; }
  std::int64_t block() const { return block_; }  // panels

 private:
  void cut_rows(std::int64_t threads);
  void cut_panels(std::int64_t threads);

  std::int64_t m_, panels_;
  std::int64_t row_tiles_ = 0, rows_per_tile_ = 1, block_ = 1;
  std::int64_t row_parts_ = 1, panel_parts_ = 1;
  bool rows_first_ = true;  // parts side by side in index are neighbours in panels
};

}  // namespace q8
