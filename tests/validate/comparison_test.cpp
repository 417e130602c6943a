#include "validate/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace q8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

OutputError error_of(std::initializer_list<float> reference, std::initializer_list<float> values) {
  OutputError error;
  const Shape shape{static_cast<std::int64_t>(reference.size())};
  error.add(Tensor::of<float>(shape, reference), Tensor::of<float>(shape, values));
  return error;
}

TEST(OutputError, IsTheRatioOfSquaresInDecibels) {
  // Σ 3² + 4² = 25; Σ 0.3² + 0.4² = 0.25; 10·log10(100) = 20.
  const OutputError error = error_of({3, 4}, {3.3f, 3.6f});
  EXPECT_NEAR(error.sqnr_db(), 20, 1e-5);
  EXPECT_NEAR(error.max_abs_difference(), 0.4, 1e-6);
}

TEST(OutputError, SumsOverTensorsAndOutputs) {
  OutputError error = error_of({2}, {1});  // 4 and 1
  error.add(Tensor::of<float>({1, 2}, {4.0f, 0.0f}), Tensor::of<float>({1, 2}, {4.0f, 1.0f}));
  OutputError other = error_of({6, 6}, {7, 8});  // 72 and 5
  error.merge(other);                            // 4 + 16 + 72 = 92 and 1 + 1 + 5 = 7
  EXPECT_NEAR(error.sqnr_db(), 10 * std::log10(92.0 / 7), 1e-12);
  EXPECT_EQ(error.max_abs_difference(), 2);
}

TEST(OutputError, WithoutDifferenceIsInfinite) {
  EXPECT_EQ(error_of({1, 2}, {1, 2}).sqnr_db(), kInfinity);
}

TEST(OutputError, OfZeroReferenceIsMinusInfinity) {
  EXPECT_EQ(error_of({0, 0}, {0, 1}).sqnr_db(), -kInfinity);
}

TEST(OutputError, LeavesOutTheSameInfinitiesAndNaN) {
  const OutputError error = error_of({kInf, kNaN, 10}, {kInf, kNaN, 9});
  EXPECT_NEAR(error.sqnr_db(), 20, 1e-12);  // 100 / 1
  EXPECT_EQ(error.not_finite(), 0);
}

TEST(OutputError, NaNInOneModelAloneSpoilsIt) {
  const OutputError error = error_of({1, 2, kInf}, {1, kNaN, -kInf});
  EXPECT_EQ(error.sqnr_db(), -kInfinity);
  EXPECT_EQ(error.not_finite(), 2);
}

TEST(OutputError, CountsOtherShapes) {
  OutputError error;
  error.add(Tensor::of<float>({2}, {1.0f, 1.0f}), Tensor::of<float>({1}, {1.0f}));
  EXPECT_EQ(error.not_compared(), 1);
}

TEST(OutputError, TakesIntegers) {
  OutputError error;
  error.add(Tensor::of<std::int64_t>({2}, {10, 0}), Tensor::of<std::int64_t>({2}, {9, 0}));
  EXPECT_NEAR(error.sqnr_db(), 20, 1e-12);
}

TEST(OutputError, TakesHalves) {
  OutputError error;
  error.add(cast(Tensor::of<float>({1}, {10.0f}), DType::kF16), Tensor::of<float>({1}, {9.0f}));
  EXPECT_NEAR(error.sqnr_db(), 20, 1e-12);
}

TEST(Argmax, TakesTheFirstOfEquals) {
  EXPECT_EQ(argmax(std::vector<double>{1, 5, 5, 2}), 1);
}

TEST(Argmax, PassesOverNaN) {
  EXPECT_EQ(argmax(std::vector<double>{kNaN, -1, -2}), 1);
  EXPECT_EQ(argmax(std::vector<double>{kNaN}), -1);
  EXPECT_EQ(argmax(std::vector<double>{}), -1);
}

TEST(RankOf, CountsWhatComesBefore) {
  const std::vector<double> scores = {0.1, 0.7, 0.7, kNaN, 0.9};
  EXPECT_EQ(rank_of(scores, 4), 0);
  EXPECT_EQ(rank_of(scores, 1), 1);
  EXPECT_EQ(rank_of(scores, 2), 2);  // equal to 1, which comes first
  EXPECT_EQ(rank_of(scores, 0), 3);
  EXPECT_EQ(rank_of(scores, 3), 5);  // NaN: behind everything
}

}  // namespace
}  // namespace q8
