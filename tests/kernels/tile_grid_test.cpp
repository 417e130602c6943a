#include "kernels/tile_grid.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernel_set.h"

namespace q8 {
namespace {

PackedS8 weights(const GemmU8S8Row& row, std::int64_t n, std::int64_t k) {
  const std::vector<std::int8_t> zeros(static_cast<std::size_t>(n * k));
  return PackedS8(row, {.data = zeros.data(),
                        .is_signed = true,
                        .taps = 1,
                        .k = k,
                        .n = n,
                        .stride_tap = 0,
                        .stride_k = 1,
                        .stride_n = k,
                        .zero_point = {}});
}

TEST(TileGrid, PartsCoverEveryTileOfRowsAndEveryPanelOnce) {
  for (const GemmU8S8Row& row : gemm_u8s8_rows())
    for (const std::int64_t m : {1, 3, 17, 49, 196, 1000})
      for (const std::int64_t n : {1, 33, 160, 1000})
        for (const std::int64_t k : {4, 640}) {
          const PackedS8 b = weights(row, n, k);
          for (const int threads : {1, 2, 3, 16, 64}) {
            const TileGrid grid(m, b, threads);
            const std::int64_t tiles = (m + grid.rows_per_tile() - 1) / grid.rows_per_tile();
            EXPECT_LE(grid.rows_per_tile(), row.mr);
            std::vector<int> seen(static_cast<std::size_t>(tiles * b.panels()));
            for (std::int64_t i = 0; i < grid.parts(); ++i) {
              const TileGrid::Part part = grid.part(i);
              for (std::int64_t t = part.first_tile; t < part.end_tile; ++t)
                for (std::int64_t p = part.first_panel; p < part.end_panel; ++p)
                  ++seen.at(static_cast<std::size_t>(t * b.panels() + p));
            }
            for (const int times : seen) ASSERT_EQ(times, 1) << m << ' ' << n << ' ' << threads;
          }
        }
}

// 49 rows of 512 bytes beside 512·4608 weights: each thread reads a part of the weights. 784 rows
// beside 64·64: each reads a part of the rows. Rows of 10 and one panel cannot feed 16 threads.
TEST(TileGrid, CutsWhatIsLarger) {
  const GemmU8S8Row& row = gemm_u8s8_rows().back();  // scalar: panels of 16 columns
  const TileGrid deep(49, weights(row, 512, 4608), 2);
  ASSERT_EQ(deep.parts(), 2);
  EXPECT_EQ(deep.part(0).end_panel, 16);
  EXPECT_EQ(deep.part(1).first_tile, 0);
  const TileGrid tall(784, weights(row, 64, 64), 2);
  ASSERT_EQ(tall.parts(), 4);
  EXPECT_EQ(tall.part(1).first_panel, 0);
  EXPECT_EQ(tall.part(1).end_panel, 4);
  EXPECT_EQ(TileGrid(10, weights(row, 4, 4), 16).parts(), 3);
}

}  // namespace
}  // namespace q8
