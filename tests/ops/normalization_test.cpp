#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
constexpr float kTolerance = 1e-5f;  // a few roundings of numbers near 1

TEST(BatchNormalization, IsAScaleAndAnOffsetAChannel) {
  const Tensor x = Tensor::of<float>({1, 2, 2}, {1, 3, 10, 30});
  const Tensor scale = Tensor::of<float>({2}, {2, 1}), bias = Tensor::of<float>({2}, {0.5f, 0});
  const Tensor mean = Tensor::of<float>({2}, {1, 10}), var = Tensor::of<float>({2}, {4, 100});
  Attributes a;
  a.set("epsilon", 0.0f);
  // (1−1)/2·2+0.5, (3−1)/2·2+0.5, 0, 20/10
  EXPECT_THAT(run_node({"BatchNormalization", a}, {&x, &scale, &bias, &mean, &var})[0].to_floats(),
              ElementsAre(FloatNear(0.5f, kTolerance), FloatNear(2.5f, kTolerance),
                          FloatNear(0, kTolerance), FloatNear(2, kTolerance)));
}

TEST(LayerNormalization, GivesMeanAndInverseDeviation) {
  const Tensor x = Tensor::of<float>({1, 4}, {1, 1, 3, 3});  // mean 2, deviation 1
  const Tensor scale = Tensor::of<float>({4}, {1, 2, 3, 4});
  Attributes a;
  a.set("epsilon", 0.0f);
  const auto y =
      run_node({.type = "LayerNormalization", .attributes = a, .outputs = 3}, {&x, &scale});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(FloatNear(-1, kTolerance), FloatNear(-2, kTolerance),
                                            FloatNear(3, kTolerance), FloatNear(4, kTolerance)));
  EXPECT_THAT(y[1].to_floats(), ElementsAre(2));
  EXPECT_THAT(y[2].to_floats(), ElementsAre(FloatNear(1, kTolerance)));
}

TEST(SkipLayerNormalization, NormalizesTheSumAndGivesIt) {
  const Tensor x = Tensor::of<float>({1, 1, 2}, {1, 2}),
               skip = Tensor::of<float>({1, 1, 2}, {0, 1});
  const Tensor gamma = Tensor::of<float>({2}, {1, 1});
  const auto y =
      run_node({"SkipLayerNormalization", {}, "com.microsoft", 1, 4}, {&x, &skip, &gamma});
  EXPECT_THAT(y[3].to_floats(), ElementsAre(1, 3));
  EXPECT_THAT(y[0].to_floats(), ElementsAre(FloatNear(-1, kTolerance), FloatNear(1, kTolerance)));
}

TEST(Softmax, ChangesItsMeaningOfAxisInOpset13) {
  const Tensor x = Tensor::of<float>({1, 2, 2}, {0, 0, 0, 0});
  Attributes a;
  a.set("axis", std::int64_t{1});
  // Opset 12: axes 1 and 2 are one row of four; 13: axis 1 alone.
  EXPECT_THAT(run_node({"Softmax", a, "", 12}, {&x})[0].to_floats(),
              ElementsAre(0.25f, 0.25f, 0.25f, 0.25f));
  EXPECT_THAT(run_node({"Softmax", a, "", 13}, {&x})[0].to_floats(),
              ElementsAre(0.5f, 0.5f, 0.5f, 0.5f));
}

TEST(Clip, TakesItsBoundsFromAttributesOrInputs) {
  const Tensor x = Tensor::of<float>({3}, {-2, 0.5f, 9});
  Attributes a;
  a.set("min", 0.0f);
  a.set("max", 6.0f);
  EXPECT_THAT(run_node({"Clip", a, "", 6}, {&x})[0].to_floats(), ElementsAre(0, 0.5f, 6));
  const Tensor high = Tensor::scalar(1.0f);
  EXPECT_THAT(run_node({"Clip"}, {&x, nullptr, &high})[0].to_floats(), ElementsAre(-2, 0.5f, 1));
  const Tensor integers = Tensor::of<std::int8_t>({3}, {-128, 3, 127});
  const Tensor low = Tensor::scalar<std::int8_t>(0);
  EXPECT_THAT(run_node({"Clip"}, {&integers, &low})[0].to_int64s(), ElementsAre(0, 3, 127));
}

TEST(Relu, KeepsNan) {
  const Tensor x = Tensor::of<float>({2}, {std::nanf(""), -1});
  const auto y = run_node({"Relu"}, {&x})[0].to_floats();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 0);
}

TEST(PRelu, SpreadsOneSlopeAChannel) {
  const Tensor x = Tensor::of<float>({1, 2, 2}, {-1, 1, -1, 1});
  const Tensor slope = Tensor::of<float>({2, 1}, {0.5f, 0.25f});
  EXPECT_THAT(run_node({"PRelu"}, {&x, &slope})[0].to_floats(), ElementsAre(-0.5f, 1, -0.25f, 1));
}

TEST(Resize, OldNearestRoundsDownAndUp) {
  // Opset 10: x / scale, rounded down when the axis grows, up when it shrinks.
  const Tensor x = Tensor::of<float>({4}, {0, 1, 2, 3});
  const Tensor grow = Tensor::of<float>({1}, {1.5f}), shrink = Tensor::of<float>({1}, {0.75f});
  EXPECT_THAT(run_node({"Resize", {}, "", 10}, {&x, &grow})[0].to_floats(),
              ElementsAre(0, 0, 1, 2, 2, 3));
  EXPECT_THAT(run_node({"Resize", {}, "", 10}, {&x, &shrink})[0].to_floats(), ElementsAre(0, 2, 3));
}

TEST(Resize, LinearOnBytesTruncates) {
  const Tensor x = Tensor::of<std::uint8_t>({2}, {0, 255});
  const Tensor scales = Tensor::of<float>({1}, {2});
  Attributes a;
  a.set("mode", "linear");
  // positions −0.25, 0.25, 0.75, 1.25: 0, 63.75, 191.25, 255
  EXPECT_THAT(run_node({"Resize", a}, {&x, nullptr, &scales})[0].to_int64s(),
              ElementsAre(0, 63, 191, 255));
}

}  // namespace
}  // namespace q8
