#include "kernels/int8/overflow.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/int8/conv_u8s8.h"
#include "kernels/int8/gemm_u8s8.h"

namespace q8 {
namespace {

// One row times one column, k values of each, plus a bias.
OverflowCount count_product(const std::vector<std::uint8_t>& a, const std::vector<std::int8_t>& b,
                            std::int32_t bias = 0, std::int32_t a_zero_point = 0) {
  const auto k = static_cast<std::int64_t>(a.size());
  CountingKernels counting(make_kernel_set());
  const PackedS8 packed(*counting.kernels().gemm_u8s8,
                        {.data = b.data(), .k = k, .n = 1, .stride_k = 1, .stride_n = k});
  const std::int32_t biases[] = {bias};
  std::int32_t c = 0;
  Threads threads(1);
  gemm_u8s8(1, {a.data(), false, a_zero_point, k}, packed, {.bias = biases}, &c, 1, threads);
  return counting.counter().take();
}

TEST(Overflow, CountsPairsThatLeaveSixteenBits) {
  // 255·127 + 255·127 = 64,770 saturates; 1·3 + 2·(−4) = −5 does not; 64,770 − 5 + 10 = 64,775.
  EXPECT_EQ(count_product({255, 255, 1, 2}, {127, 127, 3, -4}, 10),
            (OverflowCount{.pairs = 2, .saturated = 1, .largest = 64'775}));
}

TEST(Overflow, TheLimitsThemselvesDoNotSaturate) {
  EXPECT_EQ(count_product({255, 191, 0, 0}, {127, 2, 0, 0}).saturated, 0);    // 32,767
  EXPECT_EQ(count_product({255, 192, 0, 0}, {127, 2, 0, 0}).saturated, 1);    // 32,769
  EXPECT_EQ(count_product({255, 128, 0, 0}, {-128, -1, 0, 0}).saturated, 0);  // −32,768
  EXPECT_EQ(count_product({255, 129, 0, 0}, {-128, -1, 0, 0}).saturated, 1);  // −32,769
  EXPECT_EQ(count_product({0, 255, 255, 0}, {0, 127, 127, 0}).saturated, 0);  // of two pairs
}

TEST(Overflow, KeepsTheLargestSumOnTheWay) {
  // 4·255·100 = 102,000, then back to 0; the bias is there from the start.
  EXPECT_EQ(count_product({255, 255, 255, 255, 255, 255, 255, 255},
                          {100, 100, 100, 100, -100, -100, -100, -100}, 7)
                .largest,
            102'007);
  // The zero point 255 stands in the bias: −255·(4·100) at the start, 0 at the end.
  EXPECT_EQ(count_product({255, 255, 255, 255}, {100, 100, 100, 100}, 0, 255).largest, 0);
  EXPECT_EQ(count_product({0, 0, 0, 0}, {100, 100, 100, 100}, 0, 255).largest, 102'000);
}

TEST(Overflow, SeesSumsThatS32WrapsAround) {
  constexpr std::size_t kDepth = 66'400;  // · 255 · 127 = 2,150,364,000 > 2³¹
  const OverflowCount count =
      count_product(std::vector<std::uint8_t>(kDepth, 255), std::vector<std::int8_t>(kDepth, 127));
  EXPECT_EQ(count.largest, 2'150'364'000);
  EXPECT_EQ(count.saturated, 33'200);
}

TEST(Overflow, PairsTheTapsOfADepthwiseConvolution) {
  const ConvGeometry g{
      .in_channels = 2, .out_channels = 2, .groups = 2, .input = {1, 1, 3}, .kernel = {1, 1, 3}};
  const std::uint8_t input[] = {255, 1, 255, 2, 255, 3};  // pixel by pixel
  // Channel 0: 64,770 saturates, −32,640 not, together 32,130. Channel 1: 1 + 2 and 3.
  const std::int8_t weights[] = {127, 127, -128, 1, 1, 1};
  CountingKernels counting(make_kernel_set());
  const ConvU8S8 conv(counting.kernels(), g, {.data = weights});
  std::int32_t out[2];
  Threads threads(1);
  conv.run(g, input, conv.make_epilogue(false, 0, {}), out, threads);
  EXPECT_EQ(counting.counter().take(),
            (OverflowCount{.pairs = 4, .saturated = 1, .largest = 32'130}));
  EXPECT_EQ(counting.counter().take(), OverflowCount{});
}

// By the definition, over a random product, whatever the row and the number of threads.
TEST(Overflow, EqualsTheDefinitionForEveryRow) {
  constexpr std::int64_t kM = 29, kN = 45, kDepth = 40;
  std::mt19937 random(3);
  std::vector<std::uint8_t> a(kM * kDepth), b(kDepth * kN);
  for (auto& byte : a) byte = static_cast<std::uint8_t>(random());
  for (auto& byte : b) byte = static_cast<std::uint8_t>(random());
  OverflowCount expected{.pairs = kM * kN * kDepth / 2};
  for (std::int64_t i = 0; i < kM; ++i)
    for (std::int64_t j = 0; j < kN; ++j) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < kDepth; k += 2) {
        const auto product = [&](std::int64_t at) {
          return a[static_cast<std::size_t>(i * kDepth + at)] *
                 static_cast<std::int8_t>(b[static_cast<std::size_t>(at * kN + j)]);
        };
        const int pair = product(k) + product(k + 1);
        expected.saturated += pair > 32767 || pair < -32768;
        sum += pair;
        if (k % 4 == 2) expected.largest = std::max(expected.largest, std::abs(sum));
      }
    }
  for (const GemmU8S8Row& row : gemm_u8s8_rows()) {
    if (!cpu_has(row.isa)) continue;
    KernelSet set = make_kernel_set();
    set.gemm_u8s8 = &row;
    for (const int count : {1, 3}) {
      CountingKernels counting(set);
      const PackedS8 packed(
          *counting.kernels().gemm_u8s8,
          {.data = b.data(), .k = kDepth, .n = kN, .stride_k = kN, .stride_n = 1});
      std::vector<std::int32_t> c(kM * kN);
      Threads threads(count);
      gemm_u8s8(kM, {a.data(), false, 0, kDepth}, packed, OutputU8S8{}, c.data(), kN, threads);
      EXPECT_EQ(counting.counter().take(), expected) << row.name << ", threads " << count;
    }
  }
}

}  // namespace
}  // namespace q8
