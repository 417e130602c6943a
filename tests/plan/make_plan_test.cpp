#include "plan/make_plan.h"

#include <gmock/gmock.h>

#include "data/thrown.h"
#include "plan/patterns.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::HasSubstr;

PlanConfig min_max() {
  PlanConfig config;
  config.observer = "minmax";
  return config;
}
const PlanConfig kMinMax = min_max();

QuantizationPlan plan_of(GraphBuilder& builder, std::vector<TensorStatistics> tensors,
                         const PlanConfig& config = kMinMax,
                         std::string_view target = "onnxruntime-x86") {
  CalibrationProfile profile;
  profile.tensors = std::move(tensors);
  return make_plan(builder.graph(), profile, config, find_target(target));
}

NodeMode mode(const QuantizationPlan& plan, const std::string& output) {
  const NodePlan* node = plan.find_node(output + "_node");
  EXPECT_NE(node, nullptr) << output;
  EXPECT_FALSE(node->reason.empty());
  return node->mode;
}

GraphBuilder two_convs() {
  GraphBuilder b;
  b.input("x").conv("x", "a").node("Relu", {"a"}, "r").conv("r", "y").node("Softmax", {"y"}, "p");
  b.output("p");
  return b;
}

std::vector<TensorStatistics> two_conv_statistics() {
  return {spread("x", -1, 1), spread("r", 0, 6), spread("y", -3, 3), spread("p", 0, 1)};
}

TEST(MakePlan, ReluTakesTheRangeOfItsProducerAndGoes) {
  auto b = two_convs();
  const auto plan = plan_of(b, two_conv_statistics());
  EXPECT_EQ(mode(plan, "a"), NodeMode::kInteger);
  EXPECT_EQ(mode(plan, "r"), NodeMode::kAbsorbed);
  EXPECT_EQ(plan.find_activation("a"), nullptr);
  const ActivationPlan* r = plan.find_activation("r");
  ASSERT_NE(r, nullptr);
  EXPECT_FLOAT_EQ(r->params.scale[0], 6.0f / 255.0f);
  EXPECT_EQ(r->params.zero_point[0], 0);
  EXPECT_TRUE(r->everywhere);
}

TEST(MakePlan, WeightsArePerOutputChannelAndBiasHasTheirProduct) {
  auto b = two_convs();
  const auto plan = plan_of(b, two_conv_statistics());
  const ConstantPlan* w = plan.find_constant("a_node", 1);
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->params.axis, 0);
  EXPECT_FLOAT_EQ(w->params.scale[0], 1.0f / 127.0f);  // |1|, |−0.5|
  EXPECT_FLOAT_EQ(w->params.scale[1], 2.0f / 127.0f);  // |0.25|, |2|
  const ConstantPlan* bias = plan.find_constant("a_node", 2);
  ASSERT_NE(bias, nullptr);
  EXPECT_EQ(bias->params.dtype, DType::kS32);
  EXPECT_FLOAT_EQ(bias->params.scale[1], 2.0f / 255.0f * 2.0f / 127.0f);
}

TEST(MakePlan, WeightsThatAreNotFiniteAreNamed) {
  for (const float value : {NAN, INFINITY}) {
    GraphBuilder b;
    b.input("x").constant("w", Tensor::of<float>({2, 1}, {1, value}));
    b.node("MatMul", {"x", "w"}, "y").output("y");
    PlanConfig config = kMinMax;
    config.mode = PlanMode::kWeights;
    EXPECT_THAT(bad_input_of([&] { (void)plan_of(b, {}, config); }),
                AllOf(HasSubstr("MatMul 'y_node'"), HasSubstr("'w'"), HasSubstr("NaN")));
  }
}

TEST(MakePlan, BiasThatWouldOverflowRaisesTheScaleOfItsChannel) {
  auto b = two_convs();
  b.constant("a_w", Tensor::of<float>(Shape{2, 2, 1, 1}, {1e-9f, 0, 1, 1}));
  const auto plan = plan_of(b, two_conv_statistics());
  const float input_scale = 2.0f / 255.0f;
  const ConstantPlan* w = plan.find_constant("a_node", 1);
  EXPECT_GT(w->params.scale[0], 1e-9f / 127.0f);
  EXPECT_LT(0.5 / (double{input_scale} * w->params.scale[0]), 2147483647.0);
  EXPECT_FLOAT_EQ(w->params.scale[1], 1.0f / 127.0f);
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_THAT(plan.warnings[0], HasSubstr("a_node"));
}

TEST(MakePlan, ExcludedNodeStaysFloatAndItsPatternMustMatch) {
  auto b = two_convs();
  auto config = kMinMax;
  config.exclude = {"a_*"};
  const auto plan = plan_of(b, two_conv_statistics(), config);
  EXPECT_EQ(mode(plan, "a"), NodeMode::kFloat);
  EXPECT_EQ(plan.find_constant("a_node", 1), nullptr);
  config.exclude = {"q_node"};
  try {
    plan_of(b, two_conv_statistics(), config);
    FAIL() << "a pattern that matches nothing was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("a_node"));
  }
}

// Two Conv of `groups` groups each, with weights of the shape; what becomes of the first.
NodeMode mode_of_groups(std::int64_t groups, const Shape& weights, const std::string& target) {
  GraphBuilder b;
  const Tensor ones = Tensor::of<float>(
      weights, std::vector<float>(static_cast<std::size_t>(weights.count()), 1.0f));
  Attributes group;
  group.set("group", groups);
  b.constant("a_w", ones).constant("y_w", ones).input("x");
  b.node("Conv", {"x", "a_w"}, "a", group).node("Conv", {"a", "y_w"}, "y", group).output("y");
  const std::vector<TensorStatistics> tensors = {spread("x", -1, 1), spread("a", -1, 1),
                                                 spread("y", -1, 1)};
  return mode(plan_of(b, tensors, kMinMax, target), "a");
}

TEST(MakePlan, GroupsOfFewChannelsStayFloatWhereTheTargetIsFasterSo) {
  EXPECT_EQ(mode_of_groups(4, Shape{8, 2, 1, 1}, "onnxruntime-x86"), NodeMode::kWeightOnly);
  EXPECT_EQ(mode_of_groups(4, Shape{8, 1, 1, 1}, "onnxruntime-x86"), NodeMode::kWeightOnly);
  EXPECT_EQ(mode_of_groups(15, Shape{15, 1, 1, 1}, "onnxruntime-x86"), NodeMode::kWeightOnly);
  EXPECT_EQ(mode_of_groups(16, Shape{16, 1, 1, 1}, "onnxruntime-x86"), NodeMode::kInteger);
  EXPECT_EQ(mode_of_groups(4, Shape{4, 1, 1, 1}, "onnxruntime-arm"), NodeMode::kInteger);
  EXPECT_EQ(mode_of_groups(2, Shape{16, 8, 1, 1}, "onnxruntime-x86"), NodeMode::kInteger);
  EXPECT_EQ(mode_of_groups(1, Shape{2, 2, 1, 1}, "onnxruntime-x86"), NodeMode::kInteger);
  EXPECT_EQ(mode_of_groups(4, Shape{8, 2, 1, 1}, "openvino"), NodeMode::kInteger);
}

TEST(MakePlan, ResidualAddIsIntegerBetweenConvolutions) {
  GraphBuilder b;
  b.input("x").conv("x", "a").conv("a", "c").node("Add", {"a", "c"}, "s").conv("s", "y");
  b.conv("y", "z").output("z");
  const std::vector<TensorStatistics> tensors = {spread("x", -1, 1), spread("a", -1, 1),
                                                 spread("c", -2, 2), spread("s", -3, 3),
                                                 spread("y", -1, 1), spread("z", -1, 1)};
  EXPECT_EQ(mode(plan_of(b, tensors), "s"), NodeMode::kInteger);
  EXPECT_EQ(mode(plan_of(b, tensors, kMinMax, "tensorrt"), "s"), NodeMode::kFloat);
}

TEST(MakePlan, ResidualAddIsStoredBehindItsRelu) {
  GraphBuilder b;
  b.input("x").conv("x", "a").conv("a", "c").node("Add", {"a", "c"}, "s").node("Relu", {"s"}, "r");
  b.conv("r", "y").node("Add", {"r", "y"}, "t").node("Relu", {"t"}, "u").conv("u", "z").output("z");
  // Nothing but a Relu reads s and t: calibration leaves them out.
  const auto plan =
      plan_of(b, {spread("x", -1, 1), spread("a", -1, 1), spread("c", -2, 2), spread("r", 0, 3),
                  spread("y", -1, 1), spread("u", 0, 4), spread("z", -1, 1)});
  EXPECT_EQ(mode(plan, "s"), NodeMode::kInteger);
  EXPECT_EQ(mode(plan, "r"), NodeMode::kAbsorbed);
  EXPECT_EQ(mode(plan, "t"), NodeMode::kInteger);
  EXPECT_EQ(mode(plan, "u"), NodeMode::kAbsorbed);
  EXPECT_EQ(plan.find_activation("s"), nullptr);
  ASSERT_NE(plan.find_activation("r"), nullptr);
  EXPECT_TRUE(plan.find_activation("r")->everywhere);
}

// Squeeze and excitation.
TEST(MakePlan, AGateAndItsProductAreIntegerBetweenConvolutions) {
  GraphBuilder b;
  b.input("x").conv("x", "c").node("HardSwish", {"c"}, "a");
  b.node("GlobalAveragePool", {"a"}, "m").conv("m", "g").node("Sigmoid", {"g"}, "s");
  b.node("Mul", {"s", "a"}, "p").conv("p", "y").conv("y", "z").output("z");
  const std::vector<TensorStatistics> tensors = {
      spread("x", -1, 1), spread("c", -4, 4), spread("a", -0.375f, 4),
      spread("m", 0, 2),  spread("g", -3, 3), spread("s", 0, 1),
      spread("p", -1, 4), spread("y", -1, 1), spread("z", -1, 1)};
  const auto plan = plan_of(b, tensors);
  for (const char* output : {"a", "m", "s", "p"}) {
    EXPECT_EQ(mode(plan, output), NodeMode::kInteger) << output;
    ASSERT_NE(plan.find_activation(output), nullptr) << output;
    EXPECT_TRUE(plan.find_activation(output)->everywhere) << output;
  }
}

TEST(MakePlan, OfAFunctionInPiecesOnlyTheResultIsQuantized) {
  GraphBuilder b;
  b.constant("half", Tensor::scalar(0.5f));
  b.input("x").conv("x", "c").node("Tanh", {"c"}, "t").node("Mul", {"c", "t"}, "u");
  b.node("Mul", {"u", "half"}, "y").conv("y", "d").node("Add", {"y", "d"}, "s").conv("s", "e");
  b.conv("e", "z").output("z");
  const auto plan = plan_of(b, {spread("x", -1, 1), spread("c", -4, 4), spread("t", -1, 1),
                                spread("u", 0, 4), spread("y", 0, 2), spread("d", -1, 1),
                                spread("s", -1, 3), spread("e", -1, 1), spread("z", -1, 1)});
  EXPECT_EQ(mode(plan, "y"), NodeMode::kInteger);
  EXPECT_EQ(plan.find_constant("y_node", 1), nullptr);
  for (const char* inside : {"t", "u"}) {
    EXPECT_EQ(mode(plan, inside), NodeMode::kFloat) << inside;
    EXPECT_EQ(plan.find_activation(inside), nullptr) << inside;
  }
}

TEST(MakePlan, FloatsThatAreRoundedBehindAMoveAreRoundedBefore) {
  const auto plan_with = [](bool has_float_reader) {
    GraphBuilder b;
    b.input("x").conv("x", "c").node("Softmax", {"c"}, "e").node("Transpose", {"e"}, "t");
    b.conv("t", "y").conv("y", "z").output("z");
    if (has_float_reader) b.node("Softmax", {"t"}, "n").output("n");
    return plan_of(b, {spread("x", -1, 1), spread("c", -4, 4), spread("e", 0, 1), spread("t", 0, 1),
                       spread("y", -1, 1), spread("z", -1, 1)});
  };
  const auto plan = plan_with(false);
  EXPECT_EQ(mode(plan, "t"), NodeMode::kInteger);
  ASSERT_NE(plan.find_activation("e"), nullptr);
  EXPECT_FALSE(plan.find_activation("e")->everywhere);
  EXPECT_EQ(plan.find_activation("e")->params.scale, plan.find_activation("t")->params.scale);
  EXPECT_EQ(mode(plan_with(true), "t"), NodeMode::kFloat);
}

TEST(MakePlan, AddReadByAFloatNodeStaysFloat) {
  GraphBuilder b;
  b.input("x").conv("x", "a").conv("a", "c").node("Add", {"a", "c"}, "s");
  b.node("Softmax", {"s"}, "y").output("y");
  const auto plan = plan_of(b, {spread("x", -1, 1), spread("a", -1, 1), spread("c", -2, 2),
                                spread("s", -3, 3), spread("y", 0, 1)});
  EXPECT_EQ(mode(plan, "s"), NodeMode::kFloat);
  EXPECT_EQ(plan.find_activation("s"), nullptr);
}

TEST(MakePlan, MovedValuesShareTheirParameters) {
  GraphBuilder b;
  Attributes pool;
  pool.set("kernel_shape", std::vector<std::int64_t>{2, 2});
  b.input("x").conv("x", "a").node("MaxPool", {"a"}, "m", pool).conv("m", "y").conv("y", "z");
  b.output("z");
  const auto plan = plan_of(b, {spread("x", -1, 1), spread("a", -4, 2), spread("m", -1, 2),
                                spread("y", -1, 1), spread("z", -1, 1)});
  EXPECT_EQ(mode(plan, "m"), NodeMode::kInteger);
  EXPECT_EQ(plan.find_activation("m")->params, plan.find_activation("a")->params);
  EXPECT_EQ(plan.find_activation("m")->shares_with, "a");
}

TEST(MakePlan, ConcatSharesOneRangeWithItsBranches) {
  GraphBuilder b;
  Attributes axis;
  axis.set("axis", std::int64_t{1});
  b.input("x").conv("x", "a").conv("x", "c").node("Concat", {"a", "c"}, "j", axis);
  b.constant("w", Tensor::of<float>(Shape{1, 4, 1, 1}, {1, 1, 1, 1})).node("Conv", {"j", "w"}, "y");
  b.output("y");
  const auto plan = plan_of(b, {spread("x", -1, 1), spread("a", -1, 1), spread("c", -8, 8),
                                spread("j", -8, 8), spread("y", -1, 1)});
  EXPECT_EQ(plan.find_activation("a")->params, plan.find_activation("j")->params);
  EXPECT_EQ(plan.find_activation("c")->params, plan.find_activation("j")->params);
  EXPECT_FLOAT_EQ(plan.find_activation("a")->params.scale[0], 16.0f / 255.0f);
}

TEST(MakePlan, MaskAndScoresBeforeSoftmaxStayFloat) {
  GraphBuilder b;
  b.input("q").input("k").input("mask").node("MatMul", {"q", "k"}, "scores");
  b.node("Add", {"scores", "mask"}, "masked").node("Softmax", {"masked"}, "p");
  b.constant("w", Tensor::of<float>(Shape{2, 2}, {1, 2, 3, 4})).node("MatMul", {"p", "w"}, "y");
  b.output("y");
  const std::vector<TensorStatistics> tensors = {
      spread("q", -1, 1),      spread("k", -1, 1),         spread("mask", -1e4f, 0),
      spread("scores", -9, 9), spread("masked", -1e4f, 9), spread("p", 0, 1),
      spread("y", -1, 1)};
  const auto plan = plan_of(b, tensors, kMinMax, "onnxruntime-arm");
  EXPECT_EQ(mode(plan, "scores"), NodeMode::kInteger);               // its sums come out in float
  EXPECT_EQ(mode(plan_of(b, tensors), "scores"), NodeMode::kFloat);  // faster so
  EXPECT_EQ(mode(plan, "masked"), NodeMode::kFloat);
  for (const char* value : {"mask", "scores", "masked", "y"})
    EXPECT_EQ(plan.find_activation(value), nullptr) << value;
  ASSERT_NE(plan.find_activation("p"), nullptr);
  EXPECT_FALSE(plan.find_activation("p")->everywhere);
  EXPECT_EQ(plan.find_constant("y_node", 1)->params.axis, 1);
}

TEST(MakePlan, AddBehindAProductOfMatricesIsItsBias) {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2}, {1, 2, 3, 4}));
  b.constant("bias", Tensor::of<float>(Shape{2}, {1, 2})).node("MatMul", {"x", "w"}, "m");
  b.node("Add", {"m", "bias"}, "y").output("y");
  auto x = spread("x", -1, 1);
  x.channels.state = ChannelExtrema::State::kKept;
  x.channels.axis = 1;
  x.channels.channels.resize(2);
  const auto plan = plan_of(b, {x, spread("m", -9, 9), spread("y", -9, 9)});
  EXPECT_EQ(mode(plan, "y"), NodeMode::kWeightOnly);
  const ConstantPlan* bias = plan.find_constant("y_node", 1);
  ASSERT_NE(bias, nullptr);
  EXPECT_FLOAT_EQ(bias->params.scale[0], 2.0f / 255.0f * 3.0f / 127.0f);
  x.channels.axis = 2;  // stacks of matrices
  EXPECT_EQ(mode(plan_of(b, {x, spread("m", -9, 9), spread("y", -9, 9)}), "y"), NodeMode::kFloat);
}

TEST(MakePlan, ClipThatKeepsZeroOutStays) {
  auto b = two_convs();
  b.constant("two", Tensor::scalar(2.0f)).constant("six", Tensor::scalar(6.0f));
  Node& clip = b.graph().node(1);
  clip.op_type = "Clip";
  clip.inputs = {b.value("a"), b.value("two"), b.value("six")};
  auto tensors = two_conv_statistics();
  tensors.push_back(spread("a", -3, 9));
  const auto plan = plan_of(b, tensors);
  EXPECT_EQ(mode(plan, "r"), NodeMode::kInteger);
  EXPECT_NE(plan.find_activation("a"), nullptr);  // what it reads is quantized before it
}

TEST(MakePlan, EveryTargetPlansAndUnknownNamesAreRefused) {
  for (const Target& target : targets()) {
    auto b = two_convs();
    const auto plan = plan_of(b, two_conv_statistics(), kMinMax, target.name);
    EXPECT_EQ(plan.find_activation("x")->params.dtype, target.activation_dtype) << target.name;
    EXPECT_EQ(plan.find_constant("a_node", 2) != nullptr, target.quantized_bias) << target.name;
    if (target.symmetric_activations) {
      EXPECT_EQ(plan.find_activation("r")->params.zero_point[0], 0);
    }
    EXPECT_LE(plan.find_constant("a_node", 1)->params.scale[0] * 127.0f,
              127.0f / static_cast<float>(target.weight_levels) * 1.0001f);
  }
  EXPECT_THROW(find_target("onnxruntime"), Error);
}

TEST(MakePlan, SameArgumentsGiveTheSamePlan) {
  auto b = two_convs();
  EXPECT_EQ(describe(plan_of(b, two_conv_statistics())),
            describe(plan_of(b, two_conv_statistics())));
}

TEST(Patterns, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_pattern("head/*", "head/cls/conv"));
  EXPECT_TRUE(matches_pattern("*conv?", "a/conv1"));
  EXPECT_TRUE(matches_pattern("a*b*c", "a__b_b__c"));
  EXPECT_FALSE(matches_pattern("head", "head/conv"));
  EXPECT_FALSE(matches_pattern("conv?", "conv"));
  EXPECT_FALSE(matches_pattern("a*b", "a_b_c"));
}

}  // namespace
}  // namespace q8
