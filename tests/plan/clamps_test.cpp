#include "plan/clamps.h"

#include <gmock/gmock.h>

#include <cmath>

#include "plan/check_plan.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::HasSubstr;

QuantizationPlan plan_of(GraphBuilder& b, std::vector<TensorStatistics> tensors,
                         std::string_view target = "onnxruntime-x86") {
  CalibrationProfile profile;
  profile.tensors = std::move(tensors);
  PlanConfig config;
  config.observer = "minmax";
  return make_plan(b.graph(), profile, config, find_target(target));
}

// A Relu and a convolution of both signs, joined.
GraphBuilder joined() {
  GraphBuilder b;
  b.input("x").conv("x", "a").node("Relu", {"a"}, "r").conv("x", "c");
  Attributes axis;
  axis.set("axis", std::int64_t{1});
  b.node("Concat", {"r", "c"}, "j", axis).node("Conv", {"j", "w"}, "y").node("Softmax", {"y"}, "p");
  b.constant("w", Tensor::of<float>(Shape{2, 4, 1, 1}, std::vector<float>(8, 0.5f))).output("p");
  return b;
}
std::vector<TensorStatistics> joined_statistics() {
  return {spread("x", -1, 1), spread("r", 0, 2), spread("c", -2, 2), spread("j", -2, 2),
          spread("y", -3, 3)};
}

TEST(Clamps, BoundsOfReluAndClip) {
  GraphBuilder b;
  b.input("x").node("Relu", {"x"}, "r").constant("low", Tensor::scalar(-1.0f));
  b.node("Clip", {"x", "low"}, "k").input("computed").node("Clip", {"x", "computed"}, "n");
  const auto relu = clamp_bounds(b.graph(), b.graph().node(0));
  ASSERT_TRUE(relu);
  EXPECT_EQ(relu->low, 0);
  EXPECT_TRUE(std::isinf(relu->high));
  const auto clip = clamp_bounds(b.graph(), b.graph().node(1));
  ASSERT_TRUE(clip);
  EXPECT_EQ(clip->low, -1);
  EXPECT_FALSE(clamp_bounds(b.graph(), b.graph().node(2)));
}

TEST(Clamps, IntegersMayHoldHalfAStepMore) {
  const QuantParams u8{.dtype = DType::kU8, .axis = -1, .scale = {0.1f}, .zero_point = {0}};
  EXPECT_FALSE(exceeds(u8, {0, INFINITY}));
  EXPECT_FALSE(exceeds(u8, {0, 25.46}));  // 25.5 is the largest
  EXPECT_TRUE(exceeds(u8, {0, 25.4}));
  const QuantParams s8{.dtype = DType::kS8, .axis = -1, .scale = {0.1f}, .zero_point = {0}};
  EXPECT_TRUE(exceeds(s8, {0, INFINITY}));
}

TEST(Clamps, ReluBesideANegativeBranchKeepsItsOwnRange) {
  auto b = joined();
  const auto plan = plan_of(b, joined_statistics());
  EXPECT_EQ(plan.find_node("r_node")->mode, NodeMode::kAbsorbed);
  EXPECT_EQ(plan.find_activation("r")->params.zero_point[0], 0);
  EXPECT_FLOAT_EQ(plan.find_activation("r")->params.scale[0], 2.0f / 255);
  EXPECT_EQ(plan.find_activation("c")->params, plan.find_activation("j")->params);
  ASSERT_FALSE(plan.warnings.empty());
  EXPECT_THAT(plan.warnings[0], HasSubstr("clamped by its own range"));
}

TEST(Clamps, TargetsOfOneScaleKeepTheRelu) {
  auto b = joined();
  const auto plan = plan_of(b, joined_statistics(), "tflite-like");
  EXPECT_EQ(plan.find_node("r_node")->mode, NodeMode::kInteger);
  EXPECT_EQ(plan.find_activation("r")->params, plan.find_activation("j")->params);
}

TEST(Clamps, ReluOfNothingButZerosStillClamps) {
  GraphBuilder b;
  b.input("x").conv("x", "a").node("Relu", {"a"}, "r").conv("r", "y").conv("y", "z").output("z");
  const auto plan =
      plan_of(b, {spread("x", -1, 1), spread("r", 0, 0), spread("y", -3, 3), spread("z", -3, 3)},
              "onnxruntime-arm");
  EXPECT_EQ(plan.find_node("r_node")->mode, NodeMode::kAbsorbed);
  EXPECT_EQ(plan.find_activation("r")->params.zero_point[0], -128);
  EXPECT_EQ(plan.find_activation("r")->params.scale[0], 1);
}

TEST(Clamps, EditedPlanWhoseIntegersDoNotClampIsRefused) {
  auto b = joined();
  auto plan = plan_of(b, joined_statistics());
  plan.activations.at("r").params.zero_point[0] = 100;
  try {
    check_plan(b.graph(), plan);
    FAIL() << "the Relu is lost";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("more than it lets pass"));
  }
}

}  // namespace
}  // namespace q8
