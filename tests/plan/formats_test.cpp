#include <gmock/gmock.h>

#include "data/thrown.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::HasSubstr;

QuantizationPlan plan_of(GraphBuilder& builder, std::vector<TensorStatistics> tensors,
                         const PlanConfig& config) {
  CalibrationProfile profile;
  profile.tensors = std::move(tensors);
  return make_plan(builder.graph(), profile, config, find_target("onnxruntime-x86"));
}

PlanConfig with_type(const std::string& pattern, const std::string& type, std::int64_t opset) {
  PlanConfig config;
  config.observer = "minmax";
  config.observer_for = {{.pattern = "*", .observer = "minmax"}};
  config.type_for = {{.pattern = pattern, .type = type}};
  config.opset = opset;
  return config;
}

TEST(Formats, SixteenBitsSpreadOverTheRange) {
  GraphBuilder b;
  b.input("x").conv("x", "y").conv("y", "z").output("z");
  const std::vector<TensorStatistics> seen = {spread("x", -1, 1), spread("y", -2, 2),
                                              spread("z", -2, 2)};
  const auto plan = plan_of(b, seen, with_type("y", "s16", 21));
  const QuantParams& y = plan.find_activation("y")->params;
  EXPECT_EQ(y.dtype, DType::kS16);
  EXPECT_FLOAT_EQ(y.scale[0], 4.0f / 65535);
  EXPECT_EQ(y.zero_point[0], 0);  // −32768 + 2 / (4 / 65535) = −0.5, to even
  EXPECT_EQ(plan.find_activation("x")->params.dtype, DType::kU8);
  EXPECT_EQ(plan.opset, 21);
}

// What calibration did not see must not be clipped, where there is room; but a Clip's bound must
// hold.
TEST(Formats, SixteenBitsLeaveRoomUnlessAClipMadeTheValue) {
  GraphBuilder b;
  b.constant("low", Tensor::scalar(-2.0f)).constant("high", Tensor::scalar(2.0f));
  b.input("x").conv("x", "a").node("Clip", {"a", "low", "high"}, "c").conv("c", "y").output("y");
  PlanConfig config = with_type("*", "u16", 21);
  config.observer_for.clear();
  const auto plan =
      plan_of(b, {spread("x", -1, 1), spread("c", -2, 2), spread("y", -2, 2)}, config);
  EXPECT_FLOAT_EQ(plan.find_activation("x")->params.scale[0], 4.0f / 65535);
  EXPECT_FLOAT_EQ(plan.find_activation("c")->params.scale[0], 4.0f / 65535);
}

TEST(Formats, ValuesThatShareAScaleShareTheWiderType) {
  GraphBuilder b;
  b.input("x").conv("x", "a").node("MaxPool", {"a"}, "m").conv("m", "y").output("y");
  const std::vector<TensorStatistics> seen = {spread("x", -1, 1), spread("a", -4, 4),
                                              spread("m", -1, 1), spread("y", -2, 2)};
  const auto plan = plan_of(b, seen, with_type("m", "u16", 21));
  EXPECT_EQ(plan.find_activation("a")->params.dtype, DType::kU16);
  EXPECT_EQ(plan.find_activation("m")->params, plan.find_activation("a")->params);
}

TEST(Formats, OlderOpsetsAreRefusedWithTheName) {
  GraphBuilder b;
  b.input("x").conv("x", "y").conv("y", "z").output("z");
  const std::vector<TensorStatistics> seen = {spread("x", -1, 1), spread("y", -2, 2),
                                              spread("z", -2, 2)};
  EXPECT_THAT(thrown(ErrorKind::kUsage, [&] { (void)plan_of(b, seen, with_type("y", "s16", 13)); }),
              testing::AllOf(HasSubstr("'y'"), HasSubstr("int16"), HasSubstr("--opset 21")));
  b.graph().opsets[""] = 21;
  EXPECT_NO_THROW((void)plan_of(b, seen, with_type("y", "s16", 13)));
}

// A matrix of 70 inputs and 2 columns: blocks of 32 give three scales a column.
TEST(Formats, FourBitWeightsInBlocks) {
  GraphBuilder b;
  Tensor w(DType::kF32, Shape{70, 2});
  for (std::int64_t i = 0; i < w.size(); ++i) w.mutable_data<float>()[i] = i < 128 ? 0.7f : 1.4f;
  b.input("x").constant("w", w).node("MatMul", {"x", "w"}, "y").conv("y", "z").output("z");
  PlanConfig config;
  config.mode = PlanMode::kWeights;
  config.weights = "s4";
  config.block_size = 32;
  config.opset = 21;
  const auto plan = plan_of(b, {}, config);
  const ConstantPlan* product = plan.find_constant("y_node", 1);
  ASSERT_NE(product, nullptr);
  EXPECT_EQ(product->params.dtype, DType::kS4);
  EXPECT_EQ(product->params.axis, 0);
  EXPECT_EQ(product->params.block, 32);
  const float low = static_cast<float>(static_cast<double>(0.7f) / 7),
              high = static_cast<float>(static_cast<double>(1.4f) / 7);
  EXPECT_THAT(product->params.scale, testing::ElementsAre(low, low, low, low, high, high));
  EXPECT_THAT(plan.warnings, testing::IsEmpty());
  // The Conv has two inputs a channel: it stays s8.
  EXPECT_EQ(plan.find_constant("z_node", 1)->params.dtype, DType::kS8);
}

TEST(Formats, FourBitWeightsThatSuitNoLayerAreSaid) {
  GraphBuilder b;
  b.input("x").conv("x", "y").output("y");  // two inputs a channel
  PlanConfig config;
  config.mode = PlanMode::kWeights;
  config.weights = "s4";
  config.opset = 21;
  const auto plan = plan_of(b, {}, config);
  EXPECT_EQ(plan.find_constant("y_node", 1)->params.dtype, DType::kS8);
  EXPECT_THAT(plan.warnings, testing::ElementsAre(testing::HasSubstr("all weights are s8")));
}

const NodePlan& node(const QuantizationPlan& plan, const std::string& output) {
  return *plan.find_node(output + "_node");
}

PlanConfig islands() {
  PlanConfig config;
  config.float16_islands = true;
  config.exclude = {"*"};
  return config;
}

TEST(Float16, WhatFitsIsMarkedAndTheRestSaysWhy) {
  GraphBuilder b;
  b.input("x").node("Sigmoid", {"x"}, "s").node("Exp", {"x"}, "e").node("TopK", {"s"}, "t");
  b.constant("epsilon", Tensor::scalar(1e-12f)).node("Add", {"s", "epsilon"}, "a");
  b.node("Tanh", {"unseen"}, "h").input("unseen").node("Mul", {"s", "s"}, "tiny");
  for (const auto* output : {"e", "t", "a", "h", "tiny"}) b.output(output);
  const auto plan =
      plan_of(b,
              {spread("x", -12, 12), spread("s", 0, 1), spread("e", 0, 162755), spread("t", 0, 1),
               spread("a", 0, 1), spread("h", -1, 1), spread("tiny", 0, 1e-5f)},
              islands());
  EXPECT_TRUE(node(plan, "s").float16);
  EXPECT_THAT(node(plan, "e").reason, HasSubstr("'e' reaches 1.628e+05"));
  EXPECT_THAT(node(plan, "t").reason, HasSubstr("TopK"));
  EXPECT_THAT(node(plan, "a").reason, HasSubstr("1e-12"));
  EXPECT_THAT(node(plan, "h").reason, HasSubstr("'unseen' is not known"));
  EXPECT_THAT(node(plan, "tiny").reason, HasSubstr("'tiny' stays within"));
  for (const auto* output : {"e", "t", "a", "h", "tiny"}) EXPECT_FALSE(node(plan, output).float16);
}

// E[x²] − E[x]² and its root are statistics; the division that uses them is not.
TEST(Float16, StatisticsOfANormalizationStayInFloat32) {
  GraphBuilder b;
  b.input("x").node("Mul", {"x", "x"}, "square").node("ReduceMean", {"x"}, "mean");
  b.node("ReduceMean", {"square"}, "squares").node("Mul", {"mean", "mean"}, "mean2");
  b.node("Sub", {"squares", "mean2"}, "variance").node("Sqrt", {"variance"}, "deviation");
  b.node("Div", {"x", "deviation"}, "y").output("y");
  std::vector<TensorStatistics> seen;
  for (const auto* name : {"x", "square", "mean", "squares", "mean2", "variance", "deviation", "y"})
    seen.push_back(spread(name, -3, 3));
  const auto plan = plan_of(b, seen, islands());
  for (const auto* name : {"mean", "squares", "mean2", "variance", "deviation"})
    EXPECT_FALSE(node(plan, name).float16) << name;
  for (const auto* name : {"square", "y"}) EXPECT_TRUE(node(plan, name).float16) << name;
}

}  // namespace
}  // namespace q8
