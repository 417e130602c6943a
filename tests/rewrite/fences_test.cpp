#include "rewrite/fences.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/make_plan.h"
#include "plan/small_graphs.h"
#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;

// y = x·w + z·v, or x·w + bias.
GraphBuilder sum(bool of_products) {
  GraphBuilder b;
  const Tensor matrix = Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f});
  b.input("x").constant("w", matrix).node("MatMul", {"x", "w"}, "a");
  if (of_products)
    b.input("z").constant("v", matrix).node("MatMul", {"z", "v"}, "c");
  else
    b.constant("c", Tensor::of<float>(Shape{2}, {1.0f, 2.0f}));
  b.node("Add", {"a", "c"}, "y").output("y");
  return b;
}

int fences(GraphBuilder& b, Format format, std::string_view target = "onnxruntime-x86") {
  CalibrationProfile profile;
  for (const char* name : {"x", "z", "a", "c", "y"}) profile.tensors.push_back(spread(name, -1, 1));
  for (TensorStatistics& tensor : profile.tensors) {
    tensor.channels.state = ChannelExtrema::State::kKept;  // matrices: as MatMul's inputs are seen
    tensor.channels.axis = 1;
    tensor.channels.channels.resize(2);
  }
  PlanConfig config;
  config.observer = "minmax";
  const Graph result =
      apply_plan(b.graph(), make_plan(b.graph(), profile, config, find_target(target)), format);
  return static_cast<int>(
      std::count_if(result.nodes().begin(), result.nodes().end(),
                    [](const Node& node) { return node.is("Max") && node.inputs.size() == 1; }));
}

TEST(FenceIntegerProducts, BothProductsOfASumArePartedFromIt) {
  auto b = sum(true);
  EXPECT_EQ(fences(b, Format::kQdq), 2);
}

TEST(FenceIntegerProducts, AnIntegerBiasMayBeJoined) {
  auto b = sum(false);
  EXPECT_EQ(fences(b, Format::kQdq), 0);
}

TEST(FenceIntegerProducts, AProductIsPartedFromAReluThatStaysFloat) {
  for (const bool has_bias : {false, true}) {
    GraphBuilder b;
    b.input("x").constant("w", Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f}));
    b.constant("c", Tensor::of<float>(Shape{2}, {1.0f, 2.0f})).node("MatMul", {"x", "w"}, "a");
    if (has_bias) b.node("Add", {"a", "c"}, "z");
    b.node("Relu", {has_bias ? "z" : "a"}, "r").node("Sigmoid", {"r"}, "y").output("y");
    EXPECT_EQ(fences(b, Format::kQdq), 1) << has_bias;
  }
}

TEST(FenceIntegerProducts, AReluThatIsQuantizedAtOnceMayBeJoined) {
  GraphBuilder b;
  const Tensor matrix = Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f});
  b.input("x").constant("w", matrix).constant("v", matrix).node("MatMul", {"x", "w"}, "a");
  b.node("Relu", {"a"}, "z").node("MatMul", {"z", "v"}, "y").output("y");
  EXPECT_EQ(fences(b, Format::kQdq), 0);
}

TEST(FenceIntegerProducts, StacksOfMatricesAreNotJoined) {
  auto b = sum(true);
  for (const char* name : {"a", "c"})
    b.graph().value(b.graph().find_value(name)).type.dims = {kUnknownDim, 3, 2};
  EXPECT_EQ(fences(b, Format::kQdq), 0);
}

TEST(FenceIntegerProducts, OtherFormsAndTargetsNeedNone) {
  auto b = sum(true);
  EXPECT_EQ(fences(b, Format::kQOperator), 0);
  EXPECT_EQ(fences(b, Format::kQdq, "openvino"), 0);
}

}  // namespace
}  // namespace q8
