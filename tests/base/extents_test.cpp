#include "base/extents.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace q8 {
namespace {

TEST(Extents, TheLowestGapThatFitsIsTaken) {
  Extents line;
  line.take(100);  // 0
  const std::size_t small = line.take(10);
  line.take(100);
  const std::size_t large = line.take(50);
  line.take(100);
  line.give_back(small, 10);
  line.give_back(large, 50);
  EXPECT_EQ(line.take(20), large);
  EXPECT_EQ(line.take(10), small);
  EXPECT_EQ(line.take(30), large + 20);
  EXPECT_EQ(line.end(), 360u);
}

TEST(Extents, NeighboursBecomeOneGap) {
  Extents line;
  for (int i = 0; i < 4; ++i) line.take(10);
  line.give_back(0, 10);
  line.give_back(20, 10);
  line.give_back(10, 10);
  EXPECT_EQ(line.take(30), 0u);
  EXPECT_EQ(line.end(), 40u);
}

TEST(Extents, AGapAtTheEndGrows) {
  Extents line;
  line.take(10);
  const std::size_t last = line.take(10);
  line.give_back(last, 10);
  EXPECT_EQ(line.take(25), 10u);
  EXPECT_EQ(line.end(), 35u);
}

TEST(Extents, ALargePartGoesWhereOneOfItsSizeWas) {
  constexpr std::size_t kPart = 100'000;
  Extents line;
  const std::size_t low = line.take(2 * kPart), part = line.take(kPart), behind = line.take(kPart);
  line.give_back(part, kPart);
  line.give_back(low, 2 * kPart);
  EXPECT_EQ(line.take(kPart), part) << "the gap begins lower";
  EXPECT_EQ(line.take(kPart), low) << "the place is taken";
  line.give_back(part, kPart);
  line.give_back(behind, kPart);
  EXPECT_EQ(line.take(kPart), behind) << "the last one";
  EXPECT_EQ(line.take(kPart), part);
  EXPECT_EQ(line.end(), 4 * kPart);
}

// Against a plain list of blocks that are in use; a block is 1 byte, or so large that parts of it
// have a place of their own.
class ExtentsOfBlocks : public testing::TestWithParam<std::size_t> {};

TEST_P(ExtentsOfBlocks, PartsNeverOverlap) {
  const std::size_t block = GetParam();
  Extents line;
  std::mt19937 random(7);
  std::vector<bool> used;
  std::map<std::size_t, std::size_t> parts;
  for (int i = 0; i < 2000; ++i) {
    if (parts.size() < 20 && random() % 2 == 0) {
      const std::size_t size = 1 + random() % 40, offset = line.take(size * block) / block;
      used.resize(std::max(used.size(), offset + size), false);
      for (std::size_t at = offset; at < offset + size; ++at) {
        ASSERT_FALSE(used[at]);
        used[at] = true;
      }
      parts.emplace(offset, size);
    } else if (!parts.empty()) {
      auto part = parts.begin();
      std::advance(part, random() % parts.size());
      line.give_back(part->first * block, part->second * block);
      for (std::size_t at = 0; at < part->second; ++at) used[part->first + at] = false;
      parts.erase(part);
    }
  }
  EXPECT_EQ(line.end(), used.size() * block);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ExtentsOfBlocks, testing::Values(1, 10'000));

}  // namespace
}  // namespace q8
