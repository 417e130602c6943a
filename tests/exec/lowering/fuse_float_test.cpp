#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "exec/lowering/fuse_activation.h"
#include "exec/lowering/lower.h"
#include "exec/session.h"
#include "graph/small_graph.h"

// Which nodes the passes take away. That what is left computes the same is seen beside ONNX
// Runtime: compare_onnxruntime.py with float_models.py.

namespace q8 {
namespace {

std::string lowered_types(const SmallGraph& g, const std::vector<ValueId>& keep = {}) {
  SessionOptions options;
  options.keep = keep;
  std::string text;
  const LoweredGraph lowered = lower(g.graph, options);
  for (const Node& node : lowered.graph.nodes())
    text +=
        (text.empty() ? "" : " ") + (node.domain.empty() ? "" : node.domain + ".") + node.op_type;
  return text;
}

void add_conv(SmallGraph& g, const std::string& x, const std::string& y, Shape weights,
              std::int64_t groups = 1) {
  g.constant(y + "_w", Tensor::zeros(DType::kF32, std::move(weights)));
  Node& node = g.node("Conv", {x, y + "_w"}, {y});
  node.attributes.set("group", groups);
}

TEST(FuseActivation, MakesSwishOfXTimesItsSigmoid) {
  SmallGraph g;
  g.input("x");
  g.node("Sigmoid", {"x"}, {"s"});
  g.node("Mul", {"s", "x"}, {"y"});
  g.output("y");
  EXPECT_EQ(fuse_activation(g.graph, {}), 1);
  EXPECT_EQ(g.types(), "Swish");
}

TEST(FuseActivation, LeavesWhatSomebodyElseReadsOrWantsToSee) {
  SmallGraph g;
  g.input("x");
  g.node("Sigmoid", {"x"}, {"s"});
  g.node("Mul", {"x", "s"}, {"y"});
  g.output("y");
  EXPECT_EQ(fuse_activation(g.graph, {g.value("s")}), 0);
  g.output("s");
  EXPECT_EQ(fuse_activation(g.graph, {}), 0);
  EXPECT_EQ(g.types(), "Sigmoid Mul");
}

TEST(FuseActivation, LeavesTheProductWithAnotherValue) {
  SmallGraph g;
  g.input("x");
  g.input("z");
  g.node("Sigmoid", {"x"}, {"s"});
  g.node("Mul", {"z", "s"}, {"y"});
  g.output("y");
  EXPECT_EQ(fuse_activation(g.graph, {}), 0);
}

TEST(FuseActivation, MakesGeluOnlyOfItsOwnNumbers) {
  const auto fused = [](float root, float half) {
    SmallGraph g;
    g.input("x");
    g.constant("root", Tensor::scalar(root));
    g.constant("one", Tensor::scalar(1.0f));
    g.constant("half", Tensor::scalar(half));
    g.node("Div", {"x", "root"}, {"d"});
    g.node("Erf", {"d"}, {"e"});
    g.node("Add", {"e", "one"}, {"a"});
    g.node("Mul", {"x", "a"}, {"m"});
    g.node("Mul", {"m", "half"}, {"y"});
    g.output("y");
    fuse_activation(g.graph, {});
    return g.types();
  };
  EXPECT_EQ(fused(1.41421356f, 0.5f), "Gelu");
  EXPECT_EQ(fused(1.5f, 0.5f), "Div Erf Add Mul Mul");
  EXPECT_EQ(fused(1.41421356f, 0.25f), "Div Erf Add Mul Mul");
}

enum class Cube { kPower, kProducts, kSquareOfPower };

// 0.5 · x · (1 + tanh(root · (x + factor · x³))), the half taken before the product or after it.
std::string fused_gelu_tanh(Cube cube, bool half_first, float factor, bool is_kept = false) {
  SmallGraph g;
  g.input("x");
  for (const auto& [name, value] : {std::pair{"root", 0.7978846f},
                                    {"factor", factor},
                                    {"one", 1.0f},
                                    {"half", 0.5f},
                                    {"two", 2.0f},
                                    {"three", 3.0f}})
    g.constant(name, Tensor::scalar(value));
  if (cube == Cube::kPower) g.node("Pow", {"x", "three"}, {"c"});
  if (cube == Cube::kProducts) g.node("Mul", {"x", "x"}, {"q"});
  if (cube == Cube::kSquareOfPower) g.node("Pow", {"x", "two"}, {"q"});
  if (cube != Cube::kPower) g.node("Mul", {"x", "q"}, {"c"});
  g.node("Mul", {"factor", "c"}, {"f"});
  g.node("Add", {"x", "f"}, {"a"});
  g.node("Mul", {"a", "root"}, {"i"});
  g.node("Tanh", {"i"}, {"t"});
  g.node("Add", {"t", "one"}, {"s"});
  g.node("Mul", {"x", half_first ? "half" : "s"}, {"h"});
  g.node("Mul", {"h", half_first ? "s" : "half"}, {"y"});
  g.output("y");
  fuse_activation(g.graph, is_kept ? std::vector{g.value("c")} : std::vector<ValueId>());
  if (g.types() != "Gelu") return g.types();
  return g.only("Gelu").attributes.get_string("approximate", "none");
}

TEST(FuseActivation, MakesTheGeluByTanhOfItsPieces) {
  for (const bool half_first : {false, true})
    for (const Cube cube : {Cube::kPower, Cube::kProducts, Cube::kSquareOfPower})
      EXPECT_EQ(fused_gelu_tanh(cube, half_first, 0.044715f), "tanh");
  EXPECT_EQ(fused_gelu_tanh(Cube::kPower, true, 0.05f), "Pow Mul Add Mul Tanh Add Mul Mul");
  EXPECT_EQ(fused_gelu_tanh(Cube::kPower, true, 0.044715f, true),
            "Pow Mul Add Mul Tanh Add Mul Mul");
}

// x · clip(x + added, 0, upper) / 6, with the sixth of the product or of the clipped sum.
std::string fused_hard_swish(bool sixth_first, float added, float upper, bool is_kept = false) {
  SmallGraph g;
  g.input("x");
  for (const auto& [name, value] :
       {std::pair{"three", added}, {"low", 0.0f}, {"high", upper}, {"six", 6.0f}})
    g.constant(name, Tensor::scalar(value));
  g.node("Add", {"three", "x"}, {"a"});
  g.node("Clip", {"a", "low", "high"}, {"c"});
  if (sixth_first) {
    g.node("Div", {"c", "six"}, {"d"});
    g.node("Mul", {"x", "d"}, {"y"});
  } else {
    g.node("Mul", {"c", "x"}, {"d"});
    g.node("Div", {"d", "six"}, {"y"});
  }
  g.output("y");
  fuse_activation(g.graph, is_kept ? std::vector{g.value("c")} : std::vector<ValueId>());
  return g.types();
}

TEST(FuseActivation, MakesHardSwishOfItsPieces) {
  EXPECT_EQ(fused_hard_swish(false, 3, 6), "HardSwish");
  EXPECT_EQ(fused_hard_swish(true, 3, 6), "HardSwish");
  EXPECT_EQ(fused_hard_swish(false, 2, 6), "Add Clip Mul Div");
  EXPECT_EQ(fused_hard_swish(true, 3, 5), "Add Clip Div Mul");
  EXPECT_EQ(fused_hard_swish(true, 3, 6, true), "Add Clip Div Mul");
}

TEST(FuseActivation, MakesHardSwishOfAHardSigmoidWithItsSlope) {
  for (const float slope : {1.0f / 6, 0.2f}) {
    SmallGraph g;
    g.input("x");
    g.node("HardSigmoid", {"x"}, {"s"}).attributes.set("alpha", slope);
    g.node("Mul", {"s", "x"}, {"y"});
    g.output("y");
    fuse_activation(g.graph, {});
    EXPECT_EQ(g.types(), slope < 0.2f ? "HardSwish" : "HardSigmoid Mul");
  }
}

// A residual that no shape is declared of.
SmallGraph residual_block() {
  SmallGraph g;
  g.input("x");
  add_conv(g, "x", "a", {4, 3, 3, 3});
  g.node("Relu", {"a"}, {"r"});
  add_conv(g, "r", "b", {4, 4, 1, 1});
  g.node("Add", {"b", "r"}, {"s"});
  g.node("Relu", {"s"}, {"y"});
  g.output("y");
  return g;
}

TEST(FuseFloat, AConvTakesResidualAndActivation) {
  EXPECT_EQ(lowered_types(residual_block()), "Transpose q8.Conv q8.Conv Transpose");
}

TEST(FuseFloat, WhatIsKeptStaysAValue) {
  SmallGraph g = residual_block();
  EXPECT_THAT(lowered_types(g, {g.value("s")}), testing::EndsWith("Relu Transpose"));
}

TEST(FuseFloat, AResidualThatIsDeclaredToDifferStaysAnAdd) {
  SmallGraph g = residual_block();
  g.graph.value(g.value("r")).type.dims = {{1, 4, 1, 1}};
  g.graph.value(g.value("b")).type.dims = {{1, 4, 8, 8}};
  EXPECT_THAT(lowered_types(g), testing::HasSubstr("Add"));
}

TEST(FuseFloat, AMatMulTakesBiasActivationAndResidual) {
  SmallGraph g;
  g.input("x");
  g.constant("w", Tensor::zeros(DType::kF32, {4, 4}));
  g.constant("b", Tensor::zeros(DType::kF32, {4}));
  g.node("MatMul", {"x", "w"}, {"p"});
  g.node("Add", {"b", "p"}, {"q"});
  g.node("Add", {"q", "x"}, {"r"});
  g.node("Tanh", {"r"}, {"y"});
  g.output("y");
  EXPECT_EQ(lowered_types(g), "q8.MatMul");
}

// Of an image with `lines` lines, by Slices whose lines begin at the given ones.
SmallGraph focus(std::int64_t lines, std::initializer_list<std::int64_t> first_lines) {
  SmallGraph g;
  g.input("x");
  g.graph.value(g.value("x")).type.dims = {{1, 3, lines, 8}};
  g.constant("ends", Tensor::of<std::int64_t>({2}, {INT64_MAX, INT64_MAX}));
  g.constant("axes", Tensor::of<std::int64_t>({2}, {2, 3}));
  g.constant("steps", Tensor::of<std::int64_t>({2}, {2, 2}));
  std::vector<std::string> parts;
  for (const std::int64_t line : first_lines) {
    const std::string part = "part" + std::to_string(parts.size());
    g.constant(part + "_starts",
               Tensor::of<std::int64_t>({2}, {line, static_cast<std::int64_t>(parts.size() % 2)}));
    g.node("Slice", {"x", part + "_starts", "ends", "axes", "steps"}, {part});
    parts.push_back(part);
  }
  g.node("Concat", parts, {"j"}).attributes.set("axis", std::int64_t{1});
  add_conv(g, "j", "y", {8, 12, 3, 3});
  g.output("y");
  return g;
}

TEST(FuseFocus, AConvOfEverySecondPixelReadsTheImage) {
  EXPECT_EQ(lowered_types(focus(8, {0, 0, 1, 1})), "Transpose q8.Conv Transpose");
}

TEST(FuseFocus, LeavesOddSizesPartsThatLackAndWhatIsKept) {
  EXPECT_THAT(lowered_types(focus(7, {0, 0, 1, 1})), testing::HasSubstr("Concat"));
  EXPECT_THAT(lowered_types(focus(8, {0, 0, 1, 0})), testing::HasSubstr("Concat"));
  SmallGraph g = focus(8, {0, 0, 1, 1});
  EXPECT_THAT(lowered_types(g, {g.value("j")}), testing::HasSubstr("Concat"));
}

TEST(FuseConvPair, APointwiseConvAndTheDepthwiseOneBehindItAreOne) {
  SmallGraph g;
  g.input("x");
  add_conv(g, "x", "a", {6, 3, 1, 1});
  g.node("Relu", {"a"}, {"r"});
  add_conv(g, "r", "y", {6, 1, 3, 3}, 6);
  g.output("y");
  EXPECT_EQ(lowered_types(g), "Transpose q8.ConvPair Transpose");
  EXPECT_EQ(lowered_types(g, {g.value("r")}), "Transpose q8.Conv q8.Conv Transpose");
}

// A mobile network's stem; nobody else may read what is between.
TEST(FuseConvPair, AStemAndTheDepthwiseConvBehindItAreOne) {
  SmallGraph g;
  g.input("x");
  add_conv(g, "x", "a", {6, 3, 3, 3});
  add_conv(g, "a", "y", {6, 1, 3, 3}, 6);
  g.output("y");
  EXPECT_EQ(lowered_types(g), "Transpose q8.ConvPair Transpose");
  g.output("a");
  EXPECT_THAT(lowered_types(g), testing::HasSubstr("q8.Conv q8.Conv"));
}

TEST(FuseScaleShift, ANormalizationTakesTheReluBehindIt) {
  SmallGraph g;
  g.input("x");
  add_conv(g, "x", "a", {2, 3, 3, 3});
  g.node("MaxPool", {"a"}, {"m"}).attributes.set("kernel_shape", std::vector<std::int64_t>{2, 2});
  for (const char* name : {"scale", "bias", "mean", "variance"})
    g.constant(name, Tensor::zeros(DType::kF32, {2}));
  g.node("BatchNormalization", {"m", "scale", "bias", "mean", "variance"}, {"n"});
  g.node("Relu", {"n"}, {"y"});
  g.output("y");
  EXPECT_EQ(lowered_types(g), "Transpose q8.Conv q8.MaxPool q8.ScaleShift Transpose");
}

TEST(Lower, PadsAndPoolsDoNotTurnTheAxesBack) {
  SmallGraph g;
  g.input("x");
  add_conv(g, "x", "a", {2, 3, 3, 3});
  g.constant("pads", Tensor::of<std::int64_t>({8}, {0, 0, 1, 1, 0, 0, 1, 1}));
  g.node("Pad", {"a", "pads"}, {"p"});
  g.node("AveragePool", {"p"}, {"m"})
      .attributes.set("kernel_shape", std::vector<std::int64_t>{2, 2});
  g.node("Sqrt", {"m"}, {"y"});
  g.output("y");
  EXPECT_EQ(lowered_types(g), "Transpose q8.Conv Pad q8.AveragePool Sqrt Transpose");
}

// Softmax(q · k · 2 + mask) · v, with heads turned before and behind.
SmallGraph attention() {
  SmallGraph g;
  for (const char* name : {"q", "k", "v", "mask"}) g.input(name);
  g.constant("two", Tensor::scalar(2.0f));
  const auto turn = [&](const char* from, const char* to, std::vector<std::int64_t> order) {
    g.node("Transpose", {from}, {to}).attributes.set("perm", std::move(order));
  };
  turn("q", "q_t", {0, 2, 1, 3});
  turn("k", "k_t", {0, 2, 3, 1});
  turn("v", "v_t", {0, 2, 1, 3});
  g.node("MatMul", {"q_t", "k_t"}, {"scores"});
  g.node("Mul", {"scores", "two"}, {"scaled"});
  g.node("Add", {"scaled", "mask"}, {"masked"});
  g.node("Softmax", {"masked"}, {"shares"});
  g.node("MatMul", {"shares", "v_t"}, {"heads"});
  turn("heads", "y", {0, 2, 1, 3});
  g.output("y");
  return g;
}

TEST(FuseAttention, TakesInWhatTurnsHeads) {
  EXPECT_EQ(lowered_types(attention()), "q8.AttentionByHeads");
}

// Heads are shared out; node by node every product has the threads to itself.
TEST(FuseAttention, HasTheSameBitsAsNodeByNodeWithAnyNumberOfThreads) {
  const SmallGraph g = attention();
  const Shape heads{2, 131, 3, 24};
  std::vector<Tensor> inputs;
  for (const Shape& shape : {heads, heads, heads, Shape{2, 1, 131, 131}}) {
    Tensor& x = inputs.emplace_back(DType::kF32, shape);
    for (std::int64_t i = 0; i < x.size(); ++i)
      x.mutable_data<float>()[i] =
          std::sin(static_cast<float>(i * static_cast<std::int64_t>(inputs.size())));
  }
  const auto run = [&](int threads, bool optimize) {
    const Session session(g.graph, {.threads = threads, .optimize = optimize, .keep = {}});
    return session.run(inputs)[0].to_floats();
  };
  const auto plain = run(1, false);
  for (const int threads : {1, 2, 3, 4}) EXPECT_EQ(run(threads, true), plain) << threads;
}

TEST(FuseAttention, WhatIsReadElsewhereOrShownStays) {
  SmallGraph g = attention();
  EXPECT_EQ(lowered_types(g, {g.value("masked")}),
            "Transpose Transpose Transpose MatMul Mul Add Softmax MatMul Transpose");
  g.output("shares");
  EXPECT_EQ(lowered_types(g),
            "Transpose Transpose Transpose MatMul Mul Add Softmax MatMul Transpose");
  SmallGraph turned = attention();
  turned.output("v_t");
  EXPECT_EQ(lowered_types(turned), "Transpose q8.AttentionByHeads");
}

TEST(FuseAttention, NotOfAnotherTypeOrAxis) {
  SmallGraph doubles = attention();
  doubles.constant("two", Tensor::scalar(2.0));
  EXPECT_THAT(lowered_types(doubles), testing::HasSubstr("Softmax"));
  SmallGraph other = attention();
  for (NodeId id = 0; id < other.graph.node_count(); ++id)
    if (other.graph.node(id).is("Softmax"))
      other.graph.node(id).attributes.set("axis", std::int64_t{1});
  EXPECT_THAT(lowered_types(other), testing::HasSubstr("Softmax"));
}

}  // namespace
}  // namespace q8
