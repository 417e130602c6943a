#include "recover/round_weights.h"

#include <gmock/gmock.h>

#include <cmath>

namespace q8 {
namespace {

using testing::AnyOf;
using testing::ElementsAre;

std::vector<std::int8_t> round(const WeightRounder& rounder, const std::vector<float>& weights,
                               std::int64_t channels, int limit = 127) {
  Threads threads(2);
  return rounder.round(weights, channels, limit, threads);
}

// Two inputs that nearly always agree. Rounded to nearest, (0.4, 0.4) becomes (0, 0) and both
// errors add up: 0.16 + 0.16 + 2·0.99·0.16 = 0.6368. Rounded to (1, 0) they cancel:
// 0.36 + 0.16 − 2·0.99·0.24 = 0.0448.
TEST(WeightRounder, LetsErrorsOfCorrelatedInputsCancel) {
  const WeightRounder rounder({1, 0.99, 0.99, 1}, 2, make_kernel_set());
  const std::vector<float> weights = {0.4f, 0.4f};
  const std::vector<std::int8_t> nearest = {0, 0};
  EXPECT_NEAR(rounder.error(weights.data(), nearest.data()), 0.6368, 1e-6);
  const auto rounded = round(rounder, weights, 1);
  EXPECT_THAT(rounded, AnyOf(ElementsAre(1, 0), ElementsAre(0, 1)));
  EXPECT_NEAR(rounder.error(weights.data(), rounded.data()), 0.0448, 1e-6);
}

// Inputs that oppose each other: (0.4, −0.4) to nearest costs the same 0.6368, (0, −1) 0.0448.
TEST(WeightRounder, FollowsTheSignOfTheCorrelation) {
  const WeightRounder rounder({1, -0.99, -0.99, 1}, 2, make_kernel_set());
  EXPECT_THAT(round(rounder, {0.4f, -0.4f}, 1), AnyOf(ElementsAre(0, -1), ElementsAre(1, 0)));
}

TEST(WeightRounder, RoundsToNearestWhereInputsAreIndependent) {
  const WeightRounder rounder({4, 0, 0, 0, 1, 0, 0, 0, 9}, 3, make_kernel_set());
  EXPECT_THAT(round(rounder, {0.4f, -1.6f, 2.2f, 126.7f, 0.1f, -3.9f}, 2),
              ElementsAre(0, -2, 2, 127, 0, -4));
}

// With (127, 127) the errors of 126.6 and 200 cannot cancel: the second is held at the limit.
TEST(WeightRounder, StaysWithinTheLimit) {
  const WeightRounder rounder({1, 0.99, 0.99, 1}, 2, make_kernel_set());
  EXPECT_THAT(round(rounder, {126.6f, 200.0f}, 1), ElementsAre(127, 127));
  EXPECT_THAT(round(rounder, {-63.4f, -90.0f}, 1, 64), ElementsAre(-64, -64));
}

std::vector<double> gram_of_random_rows(std::int64_t depth, std::uint32_t seed) {
  std::vector<double> gram(static_cast<std::size_t>(depth * depth));
  std::vector<double> x(static_cast<std::size_t>(depth));
  for (int row = 0; row < 4 * depth; ++row) {
    double common = 0;
    for (double& value : x) {
      seed = seed * 1664525u + 1013904223u;
      const double noise = static_cast<double>(seed >> 8) / (1 << 24);
      common = 0.7 * common + noise;  // neighbours are alike
      value = common;
    }
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < x.size(); ++j) gram[i * x.size() + j] += x[i] * x[j];
  }
  return gram;
}

TEST(WeightRounder, IsNeverWorseThanNearestAndMostlyFarBetter) {
  for (const std::int64_t depth : {1, 2, 3, 9, 64, 65}) {
    const WeightRounder rounder(gram_of_random_rows(depth, 7), depth, make_kernel_set());
    std::vector<float> weights;
    std::vector<std::int8_t> nearest;
    for (std::int64_t i = 0; i < 19 * depth; ++i) {
      weights.push_back(100 * std::sin(static_cast<float>(i) * 1.7f));
      nearest.push_back(static_cast<std::int8_t>(std::nearbyint(weights.back())));
    }
    const auto rounded = round(rounder, weights, 19);
    double before = 0, after = 0;
    for (std::int64_t c = 0; c < 19; ++c) {
      const double old = rounder.error(weights.data() + c * depth, nearest.data() + c * depth);
      const double now = rounder.error(weights.data() + c * depth, rounded.data() + c * depth);
      EXPECT_LE(now, old * 1.0001) << "depth " << depth << ", channel " << c;
      before += old;
      after += now;
    }
    if (depth >= 9) {
      EXPECT_LT(after, before / 2) << "depth " << depth;
    }
  }
}

// One weight after the other, in double: r_k = round(w_k − Σ_{j<k} e_j R_jk / R_kk), e_k = r_k −
// w_k, with H = RRᵀ, R upper triangular, found from the last row and column to the first.
std::vector<std::int8_t> rounded_one_by_one(const std::vector<double>& h, std::size_t depth,
                                            const float* weights) {
  std::vector<double> r(depth * depth), errors(depth);
  for (std::size_t k = depth; k-- > 0;)
    for (std::size_t i = k + 1; i-- > 0;) {
      double sum = h[i * depth + k];
      for (std::size_t m = k + 1; m < depth; ++m) sum -= r[i * depth + m] * r[k * depth + m];
      r[i * depth + k] = i == k ? std::sqrt(sum) : sum / r[k * depth + k];
    }
  std::vector<std::int8_t> integers;
  for (std::size_t k = 0; k < depth; ++k) {
    double shift = 0;
    for (std::size_t j = 0; j < k; ++j) shift += errors[j] * r[j * depth + k] / r[k * depth + k];
    const double rounded = std::nearbyint(weights[k] - shift);
    errors[k] = rounded - weights[k];
    integers.push_back(static_cast<std::int8_t>(rounded));
  }
  return integers;
}

// Depths of which the last weights are compensated in another step than the first.
TEST(WeightRounder, IsAsGoodAsRoundingOneByOne) {
  for (const std::int64_t depth : {31, 32, 33, 150}) {
    const std::vector<double> gram = gram_of_random_rows(depth, 3);
    const WeightRounder rounder(gram, depth, make_kernel_set());
    constexpr std::int64_t kChannels = 37;
    std::vector<float> weights;
    for (std::int64_t i = 0; i < kChannels * depth; ++i)
      weights.push_back(90 * std::sin(static_cast<float>(i) * 1.7f));
    const auto rounded = round(rounder, weights, kChannels);
    double expected = 0, found = 0;
    for (std::int64_t c = 0; c < kChannels; ++c) {
      const float* row = weights.data() + c * depth;
      const auto reference = rounded_one_by_one(gram, static_cast<std::size_t>(depth), row);
      expected += rounder.error(row, reference.data());
      found += rounder.error(row, rounded.data() + c * depth);
    }
    // The descent that follows lowers it once more.
    EXPECT_LT(found, expected) << "depth " << depth;
  }
}

}  // namespace
}  // namespace q8
