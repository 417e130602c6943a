#include "base/address_space.h"

#include <gtest/gtest.h>

namespace q8 {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

TEST(AddressSpace, WhatGrowsKeepsItsPlaceAndValues) {
  AddressSpace space(64 * kMegabyte);
  ASSERT_EQ(space.size(), 64 * kMegabyte);
  ASSERT_TRUE(space.commit(1000));
  std::byte* begin = space.data();
  begin[999] = std::byte{7};
  ASSERT_TRUE(space.commit(5 * kMegabyte + 1));
  EXPECT_EQ(space.data(), begin);
  EXPECT_EQ(begin[999], std::byte{7});
  begin[5 * kMegabyte] = std::byte{1};
  ASSERT_TRUE(space.commit(64 * kMegabyte));
  begin[64 * kMegabyte - 1] = std::byte{1};
}

TEST(AddressSpace, MoreThanItsAddressesIsRefused) {
  AddressSpace space(2 * kMegabyte);
  EXPECT_FALSE(space.commit(2 * kMegabyte + 1));
  EXPECT_TRUE(space.commit(2 * kMegabyte));
}

// No process has 2^60 addresses.
TEST(AddressSpace, TakesLessWhereThereIsNotSoMuch) {
  const AddressSpace space(std::size_t{1} << 60);
  EXPECT_GT(space.size(), 0u);
  EXPECT_LT(space.size(), std::size_t{1} << 60);
}

}  // namespace
}  // namespace q8
