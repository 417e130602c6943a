#include "exec/lowering/fuse_qdq.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>

#include "exec/lowering/qdq_unsigned.h"
#include "exec/session.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;

SessionOptions threads(int count) {
  SessionOptions options;
  options.threads = count;
  return options;
}

// u8, scale 0.5, zero point 128.
void add_parameters(SmallGraph& g) {
  g.constant("s", Tensor::scalar(0.5f));
  g.constant("z", Tensor::scalar<std::uint8_t>(128));
}

// x → Q → DQ → Conv 1x1 (2 channels, w = ±1 · 0.5) → [clamps] → Q → DQ → y
SmallGraph conv_graph(const std::vector<std::string>& clamps = {}) {
  SmallGraph g;
  g.input("x");
  add_parameters(g);
  g.constant("w_q", Tensor::of<std::int8_t>({2, 1, 1, 1}, {1, -1}));
  g.constant("w_s", Tensor::of<float>({2}, {0.5f, 0.5f}));
  g.constant("w_z", Tensor::of<std::int8_t>({2}, {0, 0}));
  g.node("QuantizeLinear", {"x", "s", "z"}, {"x_q"});
  g.node("DequantizeLinear", {"x_q", "s", "z"}, {"x_d"});
  g.node("DequantizeLinear", {"w_q", "w_s", "w_z"}, {"w"}).attributes.set("axis", std::int64_t{0});
  g.node("Conv", {"x_d", "w"}, {"c"});
  std::string last = "c";
  for (const auto& type : clamps) {
    g.constant("low", Tensor::scalar(0.0f));
    g.constant("high", Tensor::scalar(FLT_MAX));
    const std::string next = last + "c";
    g.node(type,
           type == "Clip" ? std::vector<std::string>{last, "low", "high"}
                          : std::vector<std::string>{last},
           {next});
    last = next;
  }
  g.node("QuantizeLinear", {last, "s", "z"}, {"y_q"});
  g.node("DequantizeLinear", {"y_q", "s", "z"}, {"y"});
  g.output("y");
  return g;
}

int count(const Graph& graph, std::string_view domain, std::string_view type) {
  return static_cast<int>(
      std::count_if(graph.nodes().begin(), graph.nodes().end(),
                    [&](const Node& n) { return n.domain == domain && n.op_type == type; }));
}

// 3 → 3 · (±0.5) = ±1.5, quantized with 0.5: exact.
std::vector<float> result(const SmallGraph& g, float x) {
  return Session(g.graph, threads(1))
      .run(std::vector{Tensor::of<float>({1, 1, 1, 1}, {x})})[0]
      .to_floats();
}

TEST(FuseQdq, AConvBetweenQuantizedValuesBecomesOneOperator) {
  auto g = conv_graph();
  EXPECT_THAT(result(g, 3), ElementsAre(1.5f, -1.5f));
  EXPECT_EQ(fuse_qdq(g.graph, {}), 1);
  EXPECT_EQ(g.types(), "QuantizeLinear QLinearConv DequantizeLinear");
}

// FLT_MAX / scale is beyond every integer.
TEST(FuseQdq, ClampsGoIntoTheConv) {
  for (const std::vector<std::string>& clamps :
       {std::vector<std::string>{"Relu"}, {"Clip"}, {"Relu", "Clip"}}) {
    auto g = conv_graph(clamps);
    EXPECT_THAT(result(g, 3), ElementsAre(1.5f, 0.0f));
    EXPECT_THAT(result(g, 60), ElementsAre(30.0f, 0.0f));
    EXPECT_EQ(fuse_qdq(g.graph, {}), 1);
    EXPECT_EQ(g.types(), "QuantizeLinear QLinearConv DequantizeLinear");
  }
}

// ONNX: where min > max, everything becomes max.
TEST(FuseQdq, AClipWithItsBoundsSwappedGivesTheUpperOne) {
  auto g = conv_graph({"Clip"});
  g.constant("low", Tensor::scalar(5.0f));
  g.constant("high", Tensor::scalar(2.0f));
  EXPECT_THAT(result(g, 3), ElementsAre(2.0f, 2.0f));
}

TEST(FuseQdq, KeptValuesAreMadeAndShown) {
  for (const auto* name : {"x_d", "c", "x_q", "y_q"}) {
    const auto g = conv_graph({"Relu"});
    const ValueId kept = g.graph.find_value(name);
    const Session session(g.graph, {.threads = 1, .keep = {kept}});
    bool shown = false;
    (void)session.run(std::vector{Tensor::of<float>({1, 1, 1, 1}, {3})},
                      [&](const Produced& p) { shown |= p.value == kept; });
    EXPECT_TRUE(shown) << name;
  }
}

TEST(FuseQdq, ScalesAlongAnotherAxisAreNotTakenForChannels) {
  auto g = conv_graph();
  g.constant("w_q", Tensor::of<std::int8_t>({2, 2, 1, 1}, {1, 1, 1, 1}));
  g.graph.node(2).attributes.set("axis", std::int64_t{1});
  EXPECT_EQ(fuse_qdq(g.graph, {}), 0);
  EXPECT_EQ(count(g.graph, "", "Conv"), 1);
}

// s8 integers whose zero point is left out, as 0 of their own type.
TEST(FuseQdq, LeftOutZeroPointsAreOfTheIntegersType) {
  auto g = conv_graph();
  g.constant("z", Tensor::scalar<std::int8_t>(0));
  g.graph.node(1).inputs.pop_back();  // of x's DequantizeLinear
  g.graph.node(2).inputs.pop_back();  // and the weights'
  EXPECT_THAT(result(g, -3), ElementsAre(-1.5f, 1.5f));
  EXPECT_EQ(fuse_qdq(g.graph, {}), 1);
}

TEST(FuseQdq, TheOutputTypeAttributeIsHeard) {
  auto g = conv_graph();
  g.graph.opsets[""] = 21;
  Node& last = g.graph.node(4);
  ASSERT_EQ(last.op_type, "QuantizeLinear");
  last.inputs.pop_back();
  last.attributes.set("output_dtype", std::int64_t{3});  // TensorProto.INT8
  g.graph.node(5).inputs.pop_back();
  EXPECT_THAT(result(g, 3), ElementsAre(1.5f, -1.5f));
}

// bias 8 of scale 0.5 is 4.0; x_scale · w_scale is 0.25.
TEST(FuseQdq, ABiasOfAnotherScaleKeepsItsValue) {
  for (const float scale : {0.25f, 0.5f}) {
    auto g = conv_graph();
    g.constant("b_q", Tensor::of<std::int32_t>({2}, {8, 8}));
    g.constant("b_s", Tensor::scalar(scale));
    g.constant("b_z", Tensor::scalar<std::int32_t>(0));
    g.node("DequantizeLinear", {"b_q", "b_s", "b_z"}, {"b"});
    g.graph.node(3).inputs.push_back(g.value("b"));
    g.graph.tidy();
    EXPECT_THAT(result(g, 3), ElementsAre(1.5f + 8 * scale, -1.5f + 8 * scale));
    EXPECT_EQ(fuse_qdq(g.graph, {}), 1);
  }
}

TEST(FuseQdq, AGraphWithoutQuantizationStaysAsItIs) {
  SmallGraph g;
  g.input("x");
  g.node("Relu", {"x"}, {"y"});
  g.output("y");
  EXPECT_EQ(fuse_qdq(g.graph, {}), 0);
  EXPECT_EQ(g.types(), "Relu");
}

// A table cannot hold NaN: the byte for it is whatever QuantizeLinear makes of it.
TEST(FuseQdq, FunctionsThatGiveNanStay) {
  SmallGraph g;
  g.input("x");
  add_parameters(g);
  g.node("QuantizeLinear", {"x", "s", "z"}, {"x_q"});
  g.node("DequantizeLinear", {"x_q", "s", "z"}, {"x_d"});
  g.node("Elu", {"x_d"}, {"e"}).attributes.set("alpha", NAN);
  g.node("QuantizeLinear", {"e", "s", "z"}, {"y_q"});
  g.node("DequantizeLinear", {"y_q", "s", "z"}, {"y"});
  g.output("y");
  EXPECT_EQ(fuse_qdq(g.graph, {}), 0);
}

// x → Q (s8, scale 0.5, zero point −3) → DQ → Relu → y; `integers_too`: the s8 are a result as
// well.
SmallGraph signed_graph(bool integers_too) {
  SmallGraph g;
  g.input("x");
  g.constant("s", Tensor::scalar(0.5f));
  g.constant("z", Tensor::scalar<std::int8_t>(-3));
  g.node("QuantizeLinear", {"x", "s", "z"}, {"q"});
  g.node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  g.node("Relu", {"d"}, {"y"});
  g.output("y");
  if (integers_too) g.output("q");
  return g;
}

// A bias has one axis: scales along another are an error, as they are where nothing is fused.
TEST(FuseQdq, ScalesOfABiasLieAlongIt) {
  for (const std::int64_t axis : {0, -1, 1}) {
    SmallGraph g = conv_graph();
    g.constant("b_q", Tensor::of<std::int32_t>({2}, {4, 8}));
    g.constant("b_s", Tensor::of<float>({2}, {0.25f, 0.25f}));
    Node& bias = g.node("DequantizeLinear", {"b_q", "b_s"}, {"b"});
    bias.name = "bias";
    bias.attributes.set("axis", axis);
    for (NodeId id = 0; id < g.graph.node_count(); ++id)
      if (g.graph.node(id).is("Conv")) g.graph.node(id).inputs.push_back(g.value("b"));
    g.graph.tidy();
    const auto run = [&] {
      return Session(g.graph, threads(1)).run(std::vector{Tensor::of<float>({1, 1, 1, 1}, {6.0f})});
    };
    if (axis == 1)
      EXPECT_THROW(run(), Error);
    else
      EXPECT_THAT(run()[0].to_floats(), ElementsAre(4.0f, -1.0f));  // ±0.5 · 6 + (1, 2)
  }
}

// It has no form for bytes, in ONNX neither: it stays in float between them.
TEST(FuseQdq, AGlobalMaxPoolBetweenBytesRuns) {
  SmallGraph g;
  g.input("x");
  add_parameters(g);
  g.node("QuantizeLinear", {"x", "s", "z"}, {"x_q"});
  g.node("DequantizeLinear", {"x_q", "s", "z"}, {"x_d"});
  g.node("GlobalMaxPool", {"x_d"}, {"m"});
  g.node("QuantizeLinear", {"m", "s", "z"}, {"y_q"});
  g.node("DequantizeLinear", {"y_q", "s", "z"}, {"y"});
  g.output("y");
  const auto y = Session(g.graph, threads(1))
                     .run(std::vector{Tensor::of<float>({1, 2, 1, 2}, {1.4f, -3, -2, -8.1f})});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(1.5f, -2.0f));
}

TEST(MakeUnsigned, TheSameRealsFromBytesWithoutSign) {
  auto g = signed_graph(false);
  make_unsigned(g.graph, {});
  for (const Node& node : g.graph.nodes())
    if (!node.is("Relu")) {
      EXPECT_EQ(g.graph.constant(node.inputs[2])->dtype(), DType::kU8);
      EXPECT_EQ(g.graph.constant(node.inputs[2])->to_int64s(), std::vector<std::int64_t>{125});
    }
  // Reals from (−128 + 3)/2 = −62.5 to (127 + 3)/2 = 65; 0.25 / 0.5 = 0.5 goes to the even 0.
  const auto y =
      Session(g.graph, threads(1))
          .run(std::vector{Tensor::of<float>({5}, {-100.0f, 0.25f, 0.75f, 64.9f, 100.0f})});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(0.0f, 0.0f, 1.0f, 65.0f, 65.0f));
}

TEST(MakeUnsigned, WhatIsSeenFromOutsideStaysSigned) {
  auto with_output = signed_graph(true), observed = signed_graph(false);
  make_unsigned(with_output.graph, {});
  make_unsigned(observed.graph, {observed.value("q")});
  for (const SmallGraph* g : {&with_output, &observed})
    for (const Node& node : g->graph.nodes()) {
      if (node.is("Relu")) continue;
      EXPECT_EQ(g->graph.constant(node.inputs[2])->dtype(), DType::kS8);
    }
}

}  // namespace
}  // namespace q8
