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

// Of all noises together 1001 became 101: 9.96 dB, more than the mean of 5. Where one sample gets
// worse, ten others may gain 3 dB each, and the sum still says 110 → 155.
TEST(PairedGain, IsSureOfNoMoreThanTheLesserOfMeanAndSum) {
  const std::vector<double> before = {1000, 1}, after = {100, 1};
  EXPECT_NEAR(paired_gain(before, after).sum_db, 10 * std::log10(1001.0 / 101), 1e-12);
  EXPECT_NEAR(paired_gain(before, after).least_db(), 5, 1e-12);
  std::vector<double> eleven(11, 10), one_worse(11, 5);
  one_worse.back() = 105;
  EXPECT_GT(paired_gain(eleven, one_worse).mean_db, 1.5);
  EXPECT_NEAR(paired_gain(eleven, one_worse).least_db(), 10 * std::log10(110.0 / 155), 1e-12);
  EXPECT_EQ(paired_gain(std::vector<double>{0}, std::vector<double>{0}).least_db(), 0);
}

// Differences of 1, 2 and 3: 6 in all, their standard error √3. With a fourth of −5, 1 in all.
TEST(IsClearlyLess, WhereTheDifferencesAgree) {
  const std::vector<double> some = {4, 4, 4, 9}, others = {5, 6, 7, 4};
  EXPECT_TRUE(is_clearly_less(std::span(some).first(3), std::span(others).first(3)));
  EXPECT_FALSE(is_clearly_less(std::span(others).first(3), std::span(some).first(3)));
  EXPECT_FALSE(is_clearly_less(some, others));
}

// Seventeen samples a little better, one much worse: the worse in sum, but a first round of these
// few must not rule it out. Nor is a single sample a reason.
TEST(IsClearlyLess, NotByOneSampleOfMany) {
  std::vector<double> one_worse(18, 1), even(18, 2);
  one_worse[7] = 40;
  EXPECT_FALSE(is_clearly_less(even, one_worse));
  EXPECT_FALSE(is_clearly_less(one_worse, even));
  EXPECT_FALSE(is_clearly_less(std::vector<double>{1}, std::vector<double>{2}));
}

TEST(IsClearlyLess, ThanWhatIsInfinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> some = {5, 5}, others = {1, infinity};
  EXPECT_TRUE(is_clearly_less(some, others));
  EXPECT_FALSE(is_clearly_less(others, some));
  EXPECT_FALSE(is_clearly_less(others, others));
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
