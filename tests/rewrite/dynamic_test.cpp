#include <gmock/gmock.h>

#include "plan/make_plan.h"
#include "plan/small_graphs.h"
#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

using test::GraphBuilder;

QuantizationPlan dynamic_plan(const Graph& graph) {
  PlanConfig config;
  config.mode = PlanMode::kDynamic;
  return make_plan(graph, {}, config, find_target("onnxruntime-x86"));
}

int count(const Graph& graph, std::string_view type) {
  int found = 0;
  for (const Node& node : graph.nodes()) found += node.is(type);
  return found;
}

TEST(Dynamic, ProductsOfOneValueQuantizeItOnce) {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f}));
  b.constant("v", Tensor::of<float>(Shape{2, 1}, {1.0f, 2.0f}));
  b.node("MatMul", {"x", "w"}, "y").node("MatMul", {"x", "v"}, "z").output("y").output("z");
  const Graph result = apply_plan(b.graph(), dynamic_plan(b.graph()), Format::kQdq);
  EXPECT_EQ(count(result, "DynamicQuantizeLinear"), 1);
  EXPECT_EQ(count(result, "MatMulInteger"), 2);
  EXPECT_EQ(count(result, "MatMul"), 0);
  EXPECT_EQ(result.constant(result.find_value("w")), nullptr);
}

TEST(Dynamic, TransposedGemmWeightsStandAsMatMulReadsThem) {
  GraphBuilder b;
  Attributes transposed;
  transposed.set("transB", std::int64_t{1});
  // Rows are output channels: steps 1/127 and 2/127; 0.5 / (2/127) = 31.75 → 32.
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2}, {1.0f, -1.0f, 0.5f, 2.0f}));
  b.constant("c", Tensor::of<float>(Shape{2}, {0.5f, -1.0f}));
  b.node("Gemm", {"x", "w", "c"}, "y", transposed).output("y");
  const Graph result = apply_plan(b.graph(), dynamic_plan(b.graph()), Format::kQdq);
  const Tensor* weights = result.constant(result.find_value("w_transposed_quantized"));
  ASSERT_NE(weights, nullptr);
  EXPECT_THAT(weights->values<std::int8_t>(), testing::ElementsAre(127, 32, -127, 127));
  const Tensor* scale = result.constant(result.find_value("w_transposed_scale"));
  ASSERT_NE(scale, nullptr);
  EXPECT_THAT(scale->to_floats(),
              testing::ElementsAre(testing::FloatEq(1.0f / 127), testing::FloatEq(2.0f / 127)));
  EXPECT_EQ(count(result, "Add"), 1);
}

// Such a file is broken, but who runs it says so; planning and writing only must not fall over it.
TEST(Dynamic, ConvolutionsWithAVectorForWeightsStayAsTheyAre) {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2}, {1.0f, -0.5f}));
  b.node("Conv", {"x", "w"}, "y").output("y");
  const auto plan = dynamic_plan(b.graph());
  EXPECT_NE(plan.find_node("y_node")->mode, NodeMode::kDynamic);
  EXPECT_EQ(count(apply_plan(b.graph(), plan, Format::kQdq), "ConvInteger"), 0);
}

TEST(Dynamic, WhatHasNoDynamicFormKeepsItsWeightsInS8) {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2, 1, 1}, {1.0f, -0.5f, 0.25f, 2.0f}));
  b.node("ConvTranspose", {"x", "w"}, "y").output("y");
  const auto plan = dynamic_plan(b.graph());
  EXPECT_EQ(plan.find_node("y_node")->mode, NodeMode::kWeightOnly);
  const Graph result = apply_plan(b.graph(), plan, Format::kQdq);
  EXPECT_EQ(count(result, "ConvTranspose"), 1);
  EXPECT_EQ(count(result, "DynamicQuantizeLinear"), 0);
}

TEST(Dynamic, ConvScalesAndBiasesMeetTheChannels) {
  GraphBuilder b;
  b.input("x").conv("x", "y").output("y");
  const Graph result = apply_plan(b.graph(), dynamic_plan(b.graph()), Format::kQdq);
  EXPECT_EQ(count(result, "ConvInteger"), 1);
  EXPECT_EQ(count(result, "Conv"), 0);
  // Rows 1, −0.5 and 0.25, 2: steps 1/127 and 2/127.
  const Tensor* scale = result.constant(result.find_value("y_w_scale_channels"));
  ASSERT_NE(scale, nullptr);
  EXPECT_EQ(scale->shape(), (Shape{2, 1, 1}));
  EXPECT_THAT(scale->to_floats(),
              testing::ElementsAre(testing::FloatEq(1.0f / 127), testing::FloatEq(2.0f / 127)));
  const Tensor* bias = result.constant(result.find_value("y_b_channels"));
  ASSERT_NE(bias, nullptr);
  EXPECT_EQ(bias->shape(), (Shape{2, 1, 1}));
}

// Two gates' rows of four (hidden 1), input 2: W [1, 4, 2] is read as [1, 2, 4].
TEST(Dynamic, LstmWeightsStandAsDynamicQuantizeLstmReadsThem) {
  GraphBuilder b;
  b.input("x");
  b.constant("w", Tensor::of<float>(Shape{1, 4, 2}, {127, 1, -2, 254, 3, 127, 127, 0}));
  b.constant("r", Tensor::of<float>(Shape{1, 4, 1}, {127, 127, 254, -127}));
  Attributes attributes;
  attributes.set("hidden_size", std::int64_t{1});
  b.node("LSTM", {"x", "w", "r"}, "y", attributes).output("y");
  const Graph result = apply_plan(b.graph(), dynamic_plan(b.graph()), Format::kQdq);
  const Node& lstm = result.node(0);
  EXPECT_EQ(lstm.op_type, "DynamicQuantizeLSTM");
  EXPECT_EQ(lstm.domain, "com.microsoft");
  EXPECT_EQ(result.opset("com.microsoft"), 1);
  ASSERT_EQ(lstm.inputs.size(), 12u);
  const Tensor* w = result.constant(lstm.inputs[1]);
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->shape(), (Shape{1, 2, 4}));
  EXPECT_THAT(w->values<std::int8_t>(), testing::ElementsAre(127, -1, 3, 127, 1, 127, 127, 0));
  EXPECT_THAT(result.constant(lstm.inputs[8])->to_floats(), testing::ElementsAre(1, 2, 1, 1));
}

TEST(Dynamic, NodesByPatternInAStaticPlan) {
  GraphBuilder b;
  b.input("x").conv("x", "y").conv("y", "z").output("z");
  PlanConfig config;
  config.dynamic = {"z_*"};
  const auto plan = make_plan(b.graph(), {}, config, find_target("onnxruntime-x86"));
  EXPECT_EQ(plan.find_node("z_node")->mode, NodeMode::kDynamic);
  EXPECT_NE(plan.find_node("y_node")->mode, NodeMode::kDynamic);
  config.dynamic = {"nobody"};
  EXPECT_THROW(make_plan(b.graph(), {}, config, find_target("onnxruntime-x86")), Error);
}

}  // namespace
}  // namespace q8
