#include "calib/convergence.h"

#include <gtest/gtest.h>

namespace q8 {
namespace {

// A profile of one tensor whose kept samples have these extrema; the tensor's own are given.
CalibrationProfile profile_of(std::vector<Extrema> samples, Extrema all, std::size_t count) {
  CalibrationProfile profile;
  for (std::size_t i = 0; i < count; ++i)
    profile.samples.push_back({.name = "s" + std::to_string(i), .sha256 = std::to_string(i)});
  TensorStatistics& tensor = profile.tensors.emplace_back();
  tensor.name = "x";
  tensor.extrema = all;
  tensor.samples = std::move(samples);
  return profile;
}

TEST(Convergence, SharesOfTheWidthAfterPowersOfTwo) {
  // Widths with zero: 1 of the first, 2 of the first two, 4 of all four.
  const Convergence c =
      measure_convergence(profile_of({{0, 1}, {0.5F, 2}, {0, 2}, {-1, 3}}, {-1, 3}, 4));
  EXPECT_EQ(c.samples, (std::vector<std::size_t>{1, 2, 4}));
  ASSERT_EQ(c.tensors.size(), 1u);
  EXPECT_EQ(c.tensors[0].share, (std::vector<double>{0.25, 0.5, 1}));
  EXPECT_EQ(c.tensors[0].expected_growth, 0.5);  // the second half doubled the width of the first
  EXPECT_EQ(c.mean_growth, 0.5);
  EXPECT_TRUE(c.more_samples_would_help);
}

TEST(Convergence, RangesThatStandStillNeedNoMoreSamples) {
  const Convergence c =
      measure_convergence(profile_of(std::vector<Extrema>(8, Extrema{-1, 1}), {-1, 1}, 8));
  EXPECT_EQ(c.tensors[0].share, (std::vector<double>{1, 1, 1, 1}));
  EXPECT_EQ(c.mean_growth, 0);
  EXPECT_FALSE(c.more_samples_would_help);
}

TEST(Convergence, SamplesBeyondTheKeptOnesCount) {
  // 64 samples reach 1, 64 more reach 2, the other 384 reach 2.5: two doublings for the last fifth
  // of the width, so (1 − 2/2.5) / 2 a doubling, less than the half that the kept ones promise.
  std::vector<Extrema> samples(128, Extrema{0, 1});
  for (std::size_t i = 64; i < 128; ++i) samples[i] = {0, 2};
  const Convergence c = measure_convergence(profile_of(std::move(samples), {0, 2.5F}, 512));
  EXPECT_EQ(c.samples.back(), 512u);
  EXPECT_EQ(c.tensors[0].share.back(), 1);
  EXPECT_DOUBLE_EQ(c.tensors[0].share[c.samples.size() - 2], 0.8);
  EXPECT_NEAR(c.tensors[0].expected_growth, 0.1, 1e-12);
}

TEST(Convergence, OneSampleSaysNothing) {
  const Convergence c = measure_convergence(profile_of({{0, 1}}, {0, 1}, 1));
  EXPECT_TRUE(c.more_samples_would_help);
}

TEST(Convergence, TensorsOfZerosAreLeftOut) {
  const Convergence c = measure_convergence(profile_of({{0, 0}, {0, 0}}, {0, 0}, 2));
  EXPECT_TRUE(c.tensors.empty());
  EXPECT_EQ(c.mean_growth, 0);
}

}  // namespace
}  // namespace q8
