#include "kernels/indirect_gemm_f32.h"

namespace q8 {

std::vector<DepthBlock> depth_blocks(std::int64_t taps, std::int64_t channels) {
  // 512 deep: a block of a 32-column panel is 64 KB, read from L2 once for every tile of a task.
  constexpr std::int64_t kDepth = 512;
  std::vector<DepthBlock> blocks;
  if (channels > kDepth) {
    const std::int64_t parts = (channels + kDepth - 1) / kDepth;
    for (std::int64_t tap = 0; tap < taps; ++tap)
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t begin = channels * part / parts, end = channels * (part + 1) / parts;
        blocks.push_back({tap, 1, begin, end - begin});
      }
  } else {
    // As many whole taps as fit, spread evenly.
    const std::int64_t most =
        std::max<std::int64_t>(1, kDepth / std::max<std::int64_t>(1, channels));
    const std::int64_t parts = (taps + most - 1) / most;
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t begin = taps * part / parts, end = taps * (part + 1) / parts;
      blocks.push_back({begin, end - begin, 0, channels});
    }
  }
  if (blocks.empty()) blocks.push_back({0, 0, 0, channels});  // nothing to sum: the epilogue of 0
  return blocks;
}

GemmTasks gemm_tasks(std::int64_t m, const PackedF32& b, int threads) {
  // 10 tiles of rows: at 512 deep 240 KB of A, which stays in L2 while the panels pass.
  constexpr std::int64_t kTiles = 10;
  GemmTasks t{};
  const std::int64_t row_tasks = (m + kTiles * b.row().mr - 1) / (kTiles * b.row().mr);
  t.rows_per_task = (m + row_tasks - 1) / std::max<std::int64_t>(1, row_tasks);
  t.row_tasks = row_tasks;
  // Panels are cut only where rows alone give too few tasks to even out the threads' work.
  const std::int64_t wanted = threads == 1 ? 1 : 4 * threads;
  const std::int64_t cuts = std::clamp<std::int64_t>(
      (wanted + row_tasks - 1) / std::max<std::int64_t>(1, row_tasks), 1, b.panels());
  t.panels_per_task = (b.panels() + cuts - 1) / cuts;
  t.panel_tasks = (b.panels() + t.panels_per_task - 1) / t.panels_per_task;
  return t;
}

}  // namespace q8
