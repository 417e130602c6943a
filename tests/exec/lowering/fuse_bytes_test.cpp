#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "exec/lowering/fuse_focus.h"
#include "exec/lowering/fuse_lookup.h"
#include "exec/lowering/fuse_product_bias.h"
#include "exec/lowering/fuse_qdq.h"
#include "exec/lowering/lower.h"
#include "exec/lowering/quantized_graph.h"

// Results are compared with ONNX Runtime's by exec.onnxruntime; here, what is fused and what is
// not.

namespace q8 {
namespace {

std::string lowered_types(const QuantizedGraph& g, const SessionOptions& options = {}) {
  const LoweredGraph lowered = lower(g.graph, options);
  std::string text;
  for (const Node& node : lowered.graph.nodes()) text += (text.empty() ? "" : " ") + node.op_type;
  return text;
}

QuantizedGraph conv_and_tanh() {
  QuantizedGraph g;
  g.weights({4, 3, 1, 1});
  g.node("Conv", {"x_d", "w"}, {"c"});
  g.round("c", "c_d");
  g.node("Tanh", {"c_d"}, {"t"});
  g.round("t", "y");
  g.output("y");
  return g;
}

TEST(FuseLookup, AConvTakesTheTableBehindIt) {
  QuantizedGraph g = conv_and_tanh();
  fuse_qdq(g.graph, {});
  EXPECT_EQ(fuse_lookup(g.graph, {}), 1);
  EXPECT_EQ(g.types(), "QuantizeLinear QLinearConv DequantizeLinear");
}

TEST(FuseLookup, WhatSomebodyElseReadsOrWantsToSeeStays) {
  QuantizedGraph kept = conv_and_tanh();
  fuse_qdq(kept.graph, {});
  EXPECT_EQ(fuse_lookup(kept.graph, {kept.value("c_d_q")}), 0);
  QuantizedGraph shared = conv_and_tanh();
  shared.output("c_d");
  fuse_qdq(shared.graph, {});
  EXPECT_EQ(fuse_lookup(shared.graph, {}), 0);
}

QuantizedGraph resize(const char* mode) {
  QuantizedGraph g;
  g.constant("scales", Tensor::of<float>({4}, {1, 1, 2, 2}));
  g.node("Resize", {"x_d", "", "scales"}, {"r"});
  g.graph.node(g.graph.node_count() - 1).attributes.set("mode", std::string(mode));
  g.round("r", "y");
  g.output("y");
  return g;
}

TEST(FuseResize, BytesToBytesWhereItComputes) {
  EXPECT_EQ(lowered_types(resize("linear")), "QuantizeLinear ResizeOfBytes DequantizeLinear");
  EXPECT_EQ(lowered_types(resize("nearest")), "QuantizeLinear Resize DequantizeLinear");
}

TEST(FuseResize, WhatIsShownStaysFloat) {
  QuantizedGraph g = resize("linear");
  EXPECT_EQ(lowered_types(g, {.keep = {g.value("r")}}),
            "QuantizeLinear ResizeOfBytes QuantizeLinear DequantizeLinear");
}

QuantizedGraph product(const Tensor& bias, bool fenced) {
  QuantizedGraph g;
  g.weights({3, 4});
  g.constant("b", bias);
  g.node("MatMul", {"x_d", "w"}, {"p"});
  if (fenced) g.node("Max", {"p"}, {"f"});
  g.node("Add", {"b", fenced ? "f" : "p"}, {"y"});
  g.output("y");
  fuse_qdq(g.graph, {});
  return g;
}

TEST(FuseProductBias, AlsoThroughAMaxOfOneValue) {
  const Tensor bias = Tensor::of<float>({4}, {1, 2, 3, 4});
  for (const bool fenced : {false, true}) {
    QuantizedGraph g = product(bias, fenced);
    EXPECT_EQ(fuse_product_bias(g.graph, {}), 1);
    EXPECT_EQ(g.types(), "QuantizeLinear MatMulFromBytes");
  }
}

TEST(FuseProductBias, OnlyOneNumberAColumn) {
  QuantizedGraph g = product(Tensor::of<float>({2, 1}, {1, 2}), false);
  EXPECT_EQ(fuse_product_bias(g.graph, {}), 0);
  QuantizedGraph kept = product(Tensor::of<float>({4}, {1, 2, 3, 4}), true);
  EXPECT_EQ(fuse_product_bias(kept.graph, {kept.value("p")}), 0);
}

// A product, a Gelu, and bytes.
QuantizedGraph product_and_gelu() {
  QuantizedGraph g;
  g.weights({3, 4});
  g.constant("b", Tensor::of<float>({4}, {1, 2, 3, 4}));
  g.node("MatMul", {"x_d", "w"}, {"p"});
  g.node("Add", {"p", "b"}, {"a"});
  g.node("Gelu", {"a"}, {"f"});
  g.round("f", "y");
  g.output("y");
  return g;
}

TEST(FuseRowsToBytes, AProductTakesTheGeluAndTheRounding) {
  EXPECT_EQ(lowered_types(product_and_gelu()),
            "QuantizeLinear MatMulThroughFloats DequantizeLinear");
  QuantizedGraph shared = product_and_gelu();
  shared.output("f");
  EXPECT_EQ(lowered_types(shared), "QuantizeLinear MatMulFromBytes GeluToBytes DequantizeLinear");
}

TEST(FuseFocus, AnIntegerConvOfEverySecondPixelReadsTheImage) {
  QuantizedGraph g;
  g.graph.value(g.value("x")).type.dims = {{1, 3, 8, 8}};
  g.constant("ends", Tensor::of<std::int64_t>({2}, {INT64_MAX, INT64_MAX}));
  g.constant("axes", Tensor::of<std::int64_t>({2}, {2, 3}));
  g.constant("steps", Tensor::of<std::int64_t>({2}, {2, 2}));
  std::vector<std::string> parts;
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::string part = "part" + std::to_string(i);
    g.constant(part + "_starts", Tensor::of<std::int64_t>({2}, {i % 2, i / 2}));
    g.node("Slice", {"x_d", part + "_starts", "ends", "axes", "steps"}, {part});
    parts.push_back(part);
  }
  g.node("Concat", parts, {"j"}).attributes.set("axis", std::int64_t{1});
  g.round("j", "j_d");
  g.weights({8, 12, 3, 3});
  g.node("Conv", {"j_d", "w"}, {"c"});
  g.round("c", "y");
  g.output("y");
  fuse_qdq(g.graph, {});
  EXPECT_EQ(fuse_focus(g.graph, {}), 1);
  EXPECT_EQ(g.types(), "QuantizeLinear QLinearConv DequantizeLinear");
  EXPECT_EQ(g.graph.constant(g.only("QLinearConv").inputs[3])->shape(), (Shape{8, 3, 6, 6}));
}

// Expand, depthwise, project, as a mobile network has them.
QuantizedGraph mobile_block() {
  QuantizedGraph g;
  const auto conv = [&](const std::string& x, const std::string& y, const Shape& weights) {
    g.constant(y + "_w_q", Tensor::zeros(DType::kS8, weights));
    g.constant(y + "_w_z", Tensor::scalar<std::int8_t>(0));
    g.node("DequantizeLinear", {y + "_w_q", "s", y + "_w_z"}, {y + "_w"});
    g.node("Conv", {x, y + "_w"}, {y})
        .attributes.set("group", weights[1] == 1 ? weights[0] : std::int64_t{1});
    g.round(y, y + "_d");
  };
  conv("x_d", "expanded", {6, 3, 1, 1});
  conv("expanded_d", "filtered", {6, 1, 3, 3});
  conv("filtered_d", "projected", {2, 6, 1, 1});
  g.output("projected_d");
  return g;
}

TEST(FuseConvChain, AMobileBlockIsOne) {
  EXPECT_THAT(lowered_types(mobile_block()), testing::HasSubstr(" QLinearConvChain "));
  EXPECT_THAT(lowered_types(mobile_block()), testing::Not(testing::HasSubstr("QLinearConv ")));
}

TEST(FuseConvChain, WhatIsSharedShownOrCountedStays) {
  QuantizedGraph shared = mobile_block();
  shared.output("expanded_d");
  EXPECT_THAT(lowered_types(shared),
              testing::HasSubstr(" QLinearConv DequantizeLinear QLinearConvChain "));
  QuantizedGraph kept = mobile_block();
  SessionOptions options;
  options.keep = {kept.value("filtered_d_q")};
  EXPECT_THAT(lowered_types(kept, options), testing::HasSubstr(" QLinearConvChain QLinearConv "));
  SessionOptions counting;
  counting.count_overflow = true;
  EXPECT_THAT(lowered_types(mobile_block(), counting),
              testing::HasSubstr(" QLinearConv QLinearConv QLinearConv "));
}

// Scaled scores with a mask, or a residual, and a function of their rows, in bytes.
QuantizedGraph rows_of(const std::string& function, bool scaled, std::int64_t axis = -1) {
  QuantizedGraph g;
  g.input("m");
  g.input("r");
  g.constant("c", Tensor::scalar(0.25f));
  if (scaled) g.node("Mul", {"r", "c"}, {"scaled"});
  g.node("Add", {scaled ? "scaled" : "r", "m"}, {"sum"});
  g.constant("gamma", Tensor::zeros(DType::kF32, {4}));
  std::vector<std::string> inputs{"sum"};
  if (function == "LayerNormalization") inputs.push_back("gamma");
  g.node(function, inputs, {"f"}).attributes.set("axis", axis);
  g.round("f", "y");
  g.output("y");
  return g;
}

TEST(FuseRowsToBytes, ScaleMaskSoftmaxAndRoundingAreOne) {
  EXPECT_EQ(lowered_types(rows_of("Softmax", true)), "SoftmaxToBytes DequantizeLinear");
  EXPECT_EQ(lowered_types(rows_of("LayerNormalization", false)),
            "LayerNormalizationToBytes DequantizeLinear");
}

TEST(FuseRowsToBytes, WhatOthersReadOrWantToSeeIsMade) {
  QuantizedGraph g = rows_of("LayerNormalization", false);
  g.output("sum");
  g.output("f");
  EXPECT_EQ(lowered_types(g), "LayerNormalizationToBytes DequantizeLinear");
  QuantizedGraph scaled = rows_of("Softmax", true);
  scaled.output("scaled");
  EXPECT_EQ(lowered_types(scaled), "Mul SoftmaxToBytes DequantizeLinear");
  EXPECT_THAT(lowered_types(rows_of("Softmax", true, 1)),
              testing::HasSubstr("Softmax QuantizeLinear"));
}

}  // namespace
}  // namespace q8
