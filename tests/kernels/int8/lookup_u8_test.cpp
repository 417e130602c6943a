#include "kernels/int8/lookup_u8.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace q8 {
namespace {

TEST(LookupU8, EveryRowGivesTheEntryOfEveryByte) {
  std::mt19937 random(5);
  std::vector<std::uint8_t> table(256);
  for (std::uint8_t& entry : table) entry = static_cast<std::uint8_t>(random());
  for (const std::size_t count : {0u, 1u, 31u, 32u, 33u, 63u, 64u, 65u, 257u, 1000u}) {
    std::vector<std::uint8_t> x(count);
    for (std::size_t i = 0; i < count; ++i) x[i] = static_cast<std::uint8_t>(i * 7 + count);
    for (const LookupU8Row& row : lookup_u8_rows()) {
      if (!cpu_has(row.isa)) continue;
      std::vector<std::uint8_t> out(count + 1, 0xa5), in_place = x;
      row.lookup(table.data(), x.data(), static_cast<std::int64_t>(count), out.data());
      row.lookup(table.data(), in_place.data(), static_cast<std::int64_t>(count), in_place.data());
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], table[x[i]]) << row.name << " at " << i << " of " << count;
        ASSERT_EQ(in_place[i], table[x[i]]) << row.name << " at " << i << " of " << count;
      }
      EXPECT_EQ(out[count], 0xa5) << row.name << " wrote behind the end";
    }
  }
}

}  // namespace
}  // namespace q8
