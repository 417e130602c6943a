#include "recover/paired_gain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace q8 {
namespace {

// 10 dB and 0 dB: a mean of 5, a variance of 50, a standard error of √(50/2).
TEST(PairedGain, CountsSamplesAlike) {
  const std::vector<double> before = {1000, 1}, after = {100, 1};
  const PairedGain gain = paired_gain(before, after);
  EXPECT_NEAR(gain.mean_db, 5, 1e-12);
  EXPECT_NEAR(gain.error_db, 5, 1e-12);
}

TEST(PairedGain, LetsNoSampleDecideAlone) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> before = {0, infinity, infinity, 4}, after = {1, infinity, 1, 0};
  EXPECT_NEAR(paired_gain(before, after).mean_db, (-20.0 + 0 + 20 + 20) / 4, 1e-12);
}

TEST(PairedGain, KnowsNoErrorOfASingleSample) {
  const std::vector<double> before = {100}, after = {10};
  EXPECT_NEAR(paired_gain(before, after).mean_db, 10, 1e-12);
  EXPECT_EQ(paired_gain(before, after).error_db, 0);
}

}  // namespace
}  // namespace q8
