#include "kernels/int8/indirect_gemm_u8s8.h"

#include "kernels/int8/overflow.h"

namespace q8 {

std::int32_t sum_bytes(const std::uint8_t* bytes, std::int64_t count) {
  std::int32_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += bytes[i];
  return sum;
}

TileRunner::TileRunner(const PackedS8& b, std::int64_t most_rows)
    : b_(b),
      shape_{static_cast<int>(most_rows), b.n(), b.taps(), b.k4()},
      rows_(static_cast<std::size_t>(b.taps() * most_rows)),
      row_sums_(b.has_zero_point() ? static_cast<std::size_t>(most_rows) : 0) {
  const StripKernels* strip = b.row().strip;
  if (strip == nullptr) {
    spill_.resize(static_cast<std::size_t>(b.row().mr * b.row().nr));
    return;
  }
  scratch_ = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(strip->scratch_bytes(shape_)));
  strip->begin(shape_);
}

TileRunner::~TileRunner() {
  if (b_.row().strip != nullptr) b_.row().strip->end(shape_);
}

void TileRunner::run(TileU8S8 tile, std::int64_t first, std::int64_t end) {
  tile.a = rows_.data();
  tile.taps = b_.taps();
  tile.k4 = b_.k4();
  tile.b = b_.panel(first);
  tile.spill = spill_.data();
  if (b_.has_zero_point()) {
    for (int i = 0; i < tile.rows; ++i) {
      std::int32_t sum = 0;
      for (std::int64_t tap = 0; tap < b_.taps(); ++tap)
        sum += sum_bytes(tile.a[tap * tile.rows + i], b_.k());
      row_sums_[static_cast<std::size_t>(i)] = sum;
    }
    tile.row_sum = row_sums_.data();
    tile.b_zero_point = b_.zero_point() + first * b_.row().nr;
  }
  if (b_.row().strip != nullptr)
    b_.row().strip->run({.tile = tile,
                         .panel_bytes = b_.panel_bytes(),
                         .shape = shape_,
                         .scratch = scratch_.data()});
  if (b_.row().strip == nullptr || b_.row().overflow != nullptr) run_panels(tile, end - first);
}

// One by one: computed, where there are no strips, and counted.
void TileRunner::run_panels(TileU8S8& tile, std::int64_t panels) {
  const int nr = b_.row().nr;
  const std::int64_t element = element_bytes(tile.kind);
  int left = tile.columns;
  for (std::int64_t p = 0; p < panels; ++p, left -= nr) {
    tile.columns = std::min(nr, left);
    if (b_.row().strip == nullptr) b_.row().tile(tile);
    if (b_.row().overflow != nullptr) b_.row().overflow->add(count_overflow(tile, nr));
    to_next_panel(tile, nr, b_.panel_bytes(), element);
  }
}

}  // namespace q8
