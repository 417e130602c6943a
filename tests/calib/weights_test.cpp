#include "calib/weights.h"

#include <gmock/gmock.h>

#include <limits>

#include "base/error.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

using testing::ElementsAre;

TEST(Weights, PerChannelScalesAreTheLargestMagnitudeOver127) {
  const Tensor w = Tensor::of<float>({2, 3}, {1.27f, -0.5f, 0.0f, 0.1f, -2.54f, 2.0f});
  const QuantParams rows = weight_params(w, {.axis = 0});
  EXPECT_EQ(rows.axis, 0);
  EXPECT_EQ(rows.dtype, DType::kS8);
  EXPECT_THAT(rows.scale, ElementsAre(float(double(1.27f) / 127), float(double(2.54f) / 127)));
  EXPECT_THAT(rows.zero_point, ElementsAre(0, 0));
  const QuantParams columns = weight_params(w, {.axis = -1, .levels = 64});
  EXPECT_EQ(columns.axis, 1);
  EXPECT_THAT(columns.scale,
              ElementsAre(float(double(1.27f) / 64), float(double(2.54f) / 64), float(2.0 / 64)));
  const QuantParams tensor = weight_params(w, {.per_channel = false});
  EXPECT_TRUE(tensor.is_per_tensor());
  EXPECT_THAT(tensor.scale, ElementsAre(float(double(2.54f) / 127)));
}

TEST(Weights, AChannelOfZerosHasScaleOne) {
  const Tensor w = Tensor::of<float>({2, 2}, {0, 0, 1, 2});
  for (const WeightObserver observer : {WeightObserver::kMinMax, WeightObserver::kMse})
    EXPECT_EQ(weight_params(w, {.axis = 0, .observer = observer}).scale[0], 1.0f);
}

TEST(Weights, MseIsNoWorseThanMinMaxAndBetterWithAnOutlier) {
  Numbers numbers(4);
  std::vector<float> values;
  for (int i = 0; i < 40000; ++i) values.push_back(static_cast<float>(numbers.bell()));
  values[5] = 5;
  const Tensor w = Tensor::of<float>({1, 40000}, values);
  const auto error = [&](const QuantParams& params) {
    const Tensor back = dequantize(quantize(w, params), params);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      sum += std::pow(double(values[i]) - double(back.values<float>()[i]), 2);
    return sum;
  };
  EXPECT_LT(error(weight_params(w, {.axis = 0, .observer = WeightObserver::kMse})),
            0.98 * error(weight_params(w, {.axis = 0})));
}

TEST(Weights, WhatIsNotFiniteOrNotFloatIsRefused) {
  EXPECT_THROW(weight_params(Tensor::of<float>({1}, {std::numeric_limits<float>::infinity()}), {}),
               Error);
  EXPECT_THROW(weight_params(Tensor::of<std::int32_t>({1}, {1}), {}), Error);
  EXPECT_THROW(weight_params(Tensor::of<float>({1}, {1.0f}), {.axis = 1}), Error);
}

// Blocks of two along axis 0 of [3, 2]: rows 0 and 1, then row 2 alone; the largest magnitude
// over 7.
TEST(Weights, BlocksOfFourBitsHaveTheirOwnScales) {
  const Tensor w = Tensor::of<float>({3, 2}, {0.7f, -0.1f, -1.4f, 0.2f, 3.5f, 0.0f});
  const QuantParams p = weight_params(w, {.axis = 0, .dtype = DType::kS4, .block = 2});
  EXPECT_EQ(p.dtype, DType::kS4);
  EXPECT_EQ(p.block, 2);
  EXPECT_EQ(p.scale_shape(w.shape()), (Shape{2, 2}));
  EXPECT_THAT(p.scale, ElementsAre(float(double(1.4f) / 7), float(double(0.2f) / 7), 0.5f, 1.0f));
  EXPECT_THAT(p.zero_point, ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace q8
