#include "tensor/quant_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cfloat>
#include <limits>

#include "data/thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

void expect_params(ScaleZeroPoint found, float scale, std::int32_t zero_point) {
  EXPECT_EQ(found.scale, scale);
  EXPECT_EQ(found.zero_point, zero_point);
}

TEST(AsymmetricParams, SpreadTheRangeOverAllValues) {
  expect_params(asymmetric_params({-1, 4.1}, DType::kU8), 0.02f, 50);  // 5.1 / 255, 1 / 0.02
  expect_params(asymmetric_params({-1, 4.1}, DType::kS8), 0.02f, -78);
}

TEST(AsymmetricParams, ZeroIsMadePartOfTheRange) {
  expect_params(asymmetric_params({2, 5.1}, DType::kU8), 0.02f, 0);
  expect_params(asymmetric_params({-5.1, -2}, DType::kU8), 0.02f, 255);
  expect_params(asymmetric_params({-5.1, -2}, DType::kS8), 0.02f, 127);
  expect_params(asymmetric_params({2, 5.1}, DType::kS8), 0.02f, -128);
}

TEST(AsymmetricParams, DegenerateRangesGiveScaleOne) {
  expect_params(asymmetric_params({0, 0}, DType::kU8), 1, 0);
  expect_params(asymmetric_params({0, 1e-40}, DType::kU8), 1, 0);  // a denormal scale
  expect_params(asymmetric_params({0, 1e-40}, DType::kS8), 1, 0);
  expect_params(asymmetric_params({kNan, kNan}, DType::kU8), 1, 0);
}

TEST(AsymmetricParams, ScalesDownToTheSmallestNormalNumberStay) {
  const double smallest = static_cast<double>(FLT_MIN);
  expect_params(asymmetric_params({0, 255 * smallest}, DType::kU8), FLT_MIN, 0);
}

TEST(SymmetricParams, UseTheLargerSide) {
  expect_params(symmetric_params({-2.54, 1}, DType::kS8), 0.02f, 0);
  expect_params(symmetric_params({-1, 2.54}, DType::kU8), 0.02f, 128);
  expect_params(symmetric_params({3, 2.54e3}, DType::kS8), 20.0f, 0);
}

TEST(SymmetricParams, LevelsNarrowTheRange) {
  expect_params(symmetric_params({-1.28, 1}, DType::kS8, 64), 0.02f, 0);
}

TEST(SymmetricParams, DegenerateRangesGiveScaleOne) {
  expect_params(symmetric_params({0, 0}, DType::kS8), 1, 0);
  expect_params(symmetric_params({0, 0}, DType::kU8), 1, 128);
  expect_params(symmetric_params({-1e-41, 1e-40}, DType::kS8), 1, 0);
}

TEST(Quantize, RoundsHalfToEvenAndSaturates) {
  const QuantParams params{DType::kU8, -1, {0.5f}, {3}};
  const Tensor real = Tensor::of<float>({8}, {0, 0.25f, 0.75f, -0.25f, 126, 126.5f, -2, kInf});
  // r / s: 0, 0.5 → 0, 1.5 → 2, −0.5 → 0, 252, 253 (+3 saturates), −4, inf
  EXPECT_THAT(quantize(real, params).values<std::uint8_t>(),
              ElementsAre(3, 3, 5, 3, 255, 255, 0, 255));
}

TEST(Quantize, TakesOneScaleAChannel) {
  const QuantParams params{DType::kS8, 1, {1, 0.1f}, {0, 10}};
  const Tensor real = Tensor::of<float>({2, 2, 1}, {5, 0.5f, -200, -20});
  EXPECT_THAT(quantize(real, params).values<std::int8_t>(), ElementsAre(5, 15, -128, -128));
}

TEST(Quantize, S32SaturatesAtItsEnds) {
  const Tensor real = Tensor::of<float>({2}, {3e9f, -3e9f});
  EXPECT_THAT(quantize(real, {DType::kS32, -1, {1}, {0}}).values<std::int32_t>(),
              ElementsAre(INT32_MAX, INT32_MIN));
}

TEST(Quantize, RefusesNanAndParametersThatDoNotFit) {
  const QuantParams params{DType::kU8, -1, {1}, {0}};
  EXPECT_NE(
      bad_input_of([&] { (void)quantize(Tensor::of<float>({1}, {kNan}), params); }).find("NaN"),
      std::string::npos);
  const QuantParams per_channel{DType::kU8, 0, {1, 1, 1}, {0, 0, 0}};
  bad_input_of([&] { (void)quantize(Tensor::of<float>({2}, {1, 2}), per_channel); });
}

TEST(Dequantize, SubtractsTheZeroPointAndScales) {
  const Tensor q = Tensor::of<std::uint8_t>({3}, {0, 128, 255});
  EXPECT_THAT(dequantize(q, {DType::kU8, -1, {0.5f}, {128}}).values<float>(),
              ElementsAre(-64, 0, 63.5f));
  const Tensor w = Tensor::of<std::int8_t>({2, 2}, {-128, 127, 1, -1});
  EXPECT_THAT(dequantize(w, {DType::kS8, 0, {1, 2}, {0, 1}}).values<float>(),
              ElementsAre(-128, 127, 0, -4));
}

// INT32_MIN − INT32_MAX does not fit s32.
TEST(Dequantize, DoesNotOverflow) {
  const Tensor q = Tensor::of<std::int32_t>({1}, {INT32_MIN});
  EXPECT_THAT(dequantize(q, {DType::kS32, -1, {1}, {INT32_MAX}}).values<float>(),
              ElementsAre(-4294967296.0f));
}

// Scales 0.5 and 1 for the first block of two rows, 2 and 4 for what is left.
TEST(Quantize, BlocksAlongAnAxisThatTheyDoNotFill) {
  const Tensor real = Tensor::of<float>({3, 2}, {1.0f, 1.0f, -3.5f, 100.0f, 5.0f, -9.0f});
  const QuantParams p{.dtype = DType::kS4,
                      .axis = 0,
                      .scale = {0.5f, 1, 2, 4},
                      .zero_point = {0, 1, 0, 0},
                      .block = 2};
  const Tensor q = quantize(real, p);
  EXPECT_EQ(q.dtype(), DType::kS4);
  // 1/0.5; 1/1 + 1; −3.5/0.5; 100 beyond 7; 2.5 to even; −2.25
  EXPECT_THAT(q.to_int64s(), ElementsAre(2, 2, -7, 7, 2, -2));
  EXPECT_THAT(dequantize(q, p).to_floats(), ElementsAre(1, 1, -3.5f, 6, 4, -8));
}

}  // namespace
}  // namespace q8
