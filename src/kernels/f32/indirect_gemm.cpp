#include "kernels/f32/indirect_gemm.h"

namespace q8 {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

std::vector<DepthBlock> depth_blocks(std::int64_t taps, std::int64_t channels) {
  // 512 deep: a block of a 32-column panel is 64 KB, read from L2 once for every tile of a task.
  constexpr std::int64_t kDepth = 512;
  std::vector<DepthBlock> blocks;
  if (channels > kDepth) {
    const std::int64_t parts = divide_up(channels, kDepth);
    for (std::int64_t tap = 0; tap < taps; ++tap)
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t begin = channels * part / parts, end = channels * (part + 1) / parts;
        blocks.push_back({tap, 1, begin, end - begin});
      }
  } else {
    // As many whole taps as fit, spread evenly.
    const std::int64_t most =
        std::max<std::int64_t>(1, kDepth / std::max<std::int64_t>(1, channels));
    const std::int64_t parts = divide_up(taps, most);
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t begin = taps * part / parts, end = taps * (part + 1) / parts;
      blocks.push_back({begin, end - begin, 0, channels});
    }
  }
  if (blocks.empty()) blocks.push_back({0, 0, 0, channels});  // nothing to sum: the epilogue of 0
  return blocks;
}

GemmTasks::GemmTasks(std::int64_t m, const PackedF32& b, int threads)
    : m_(m), panels_(b.panels()), tiles_(divide_up(m, b.row().mr)) {
  // At 512 deep 12 tiles are 290 KB of A, which stays in L2 while the panels pass. 128 rows are 11:
  // with 10 they were two tasks, each of which read all of B.
  constexpr std::int64_t kTiles = 12;
  row_tasks_ = divide_up(tiles_, kTiles);
  if (threads == 1 || row_tasks_ == 0 || panels_ == 0) return;
  // As many tasks as a loop hands out, and as many for each thread: 27 tasks for two threads take
  // as long as 30. Panels are cut only where rows alone give too few.
  const std::int64_t wanted = std::int64_t{4} * threads;
  if (row_tasks_ >= threads) {
    const std::int64_t step = row_tasks_ > wanted ? wanted : threads;
    row_tasks_ = std::min(tiles_, divide_up(row_tasks_, step) * step);
  } else if (panels_ < wanted && panels_ % threads != 0) {
    row_tasks_ = std::min<std::int64_t>(tiles_, threads);
  }
  panel_tasks_ = std::min(panels_, divide_up(wanted, row_tasks_));
  // As many tiles for every task, if a little smaller: with 5 tiles one of two threads had 3.
  tiles_ = divide_up(tiles_, row_tasks_) * row_tasks_;
}

GemmTasks::Task GemmTasks::task(std::int64_t index) const {
  const std::int64_t row = index / panel_tasks_, panel = index % panel_tasks_;
  return {.row_begin = row_of_tile(tiles_ * row / row_tasks_),
          .row_end = row_of_tile(tiles_ * (row + 1) / row_tasks_),
          .panel_begin = panels_ * panel / panel_tasks_,
          .panel_end = panels_ * (panel + 1) / panel_tasks_};
}

}  // namespace q8
