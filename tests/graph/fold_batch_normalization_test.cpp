#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;

// Two channels, epsilon 0: factor 2 / sqrt(4) = 1 and shift 1 − 3 · 1 = −2; 3 / sqrt(1) = 3 and
// 0 − 1 · 3 = −3.
void add_norm(SmallGraph& g, const std::string& from, const std::string& to) {
  g.constant("scale", Tensor::of<float>({2}, {2, 3}));
  g.constant("shift", Tensor::of<float>({2}, {1, 0}));
  g.constant("mean", Tensor::of<float>({2}, {3, 1}));
  g.constant("variance", Tensor::of<float>({2}, {4, 1}));
  g.node("BatchNormalization", {from, "scale", "shift", "mean", "variance"}, {to})
      .attributes.set("epsilon", 0.0f);
}

SmallGraph with_norm(const std::string& type, Tensor weight, const std::vector<std::string>& inputs,
                     std::int64_t groups = 1) {
  SmallGraph g;
  g.input("x");
  g.constant("w", std::move(weight));
  g.node(type, inputs, {"c"}).attributes.set("group", groups);
  add_norm(g, "c", "y");
  g.output("y");
  return g;
}

int fold(SmallGraph& g) {
  const int folded = fold_batch_normalization(g.graph, {});
  g.graph.tidy();
  return folded;
}

TEST(FoldBatchNormalization, GivesAConvWithoutBiasOne) {
  auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 2}, {1, 2, 3, 4}), {"x", "w"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_EQ(g.types(), "Conv");
  const Node& conv = g.only("Conv");
  EXPECT_THAT(g.floats(conv.input(1)), ElementsAre(1, 2, 9, 12));
  EXPECT_THAT(g.floats(conv.input(2)), ElementsAre(-2, -3));
  EXPECT_EQ(g.name_of(conv.outputs[0]), "y");
}

TEST(FoldBatchNormalization, ScalesTheBiasOfAGroupedConv) {
  auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 1}, {1, 2}), {"x", "w", "b"}, 2);
  g.constant("b", Tensor::of<float>({2}, {10, 20}));
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("Conv").input(1)), ElementsAre(1, 6));
  EXPECT_THAT(g.floats(g.only("Conv").input(2)), ElementsAre(8, 57));
}

// The weights of a ConvTranspose are [in, out / groups, …]: with two groups of one output each, the
// first input channel belongs to the first output.
TEST(FoldBatchNormalization, FollowsTheGroupsOfAConvTranspose) {
  auto g = with_norm("ConvTranspose", Tensor::of<float>({4, 1, 1, 1}, {1, 2, 3, 4}), {"x", "w"}, 2);
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("ConvTranspose").input(1)), ElementsAre(1, 2, 9, 12));
}

TEST(FoldBatchNormalization, FollowsTheOutputsOfAConvTranspose) {
  auto g = with_norm("ConvTranspose", Tensor::of<float>({2, 2, 1, 1}, {1, 2, 3, 4}), {"x", "w"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("ConvTranspose").input(1)), ElementsAre(1, 6, 3, 12));
}

TEST(FoldBatchNormalization, FollowsTheColumnsOfAGemm) {
  auto g = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("Gemm").input(1)), ElementsAre(1, 6, 3, 12));
  auto t = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w", "b"});
  t.constant("b", Tensor::of<float>({1, 2}, {10, 20}));
  t.graph.node(0).attributes.set("transB", std::int64_t{1});
  EXPECT_EQ(fold(t), 1);
  EXPECT_THAT(t.floats(t.only("Gemm").input(1)), ElementsAre(1, 2, 9, 12));
  EXPECT_THAT(t.floats(t.only("Gemm").input(2)), ElementsAre(8, 57));
}

TEST(FoldBatchNormalization, LeavesSharedWeightsAsTheyAre) {
  auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 1}, {1, 2}), {"x", "w"});
  g.node("Conv", {"x", "w"}, {"z"});
  g.output("z");
  EXPECT_EQ(fold(g), 1);
  EXPECT_EQ(g.types(), "Conv Conv");
  for (const Node& conv : g.graph.nodes()) {
    const bool is_folded = g.name_of(conv.outputs[0]) == "y";
    EXPECT_EQ(g.floats(conv.input(1))[1], is_folded ? 6 : 2);
    EXPECT_EQ(conv.input(2) != kNoValue, is_folded);
  }
}

struct Blocked {
  const char* reason;
  void (*change)(SmallGraph& g);
};

const Blocked kBlocked[] = {
    {"its input is a graph output", [](SmallGraph& g) { g.output("c"); }},
    {"its input has another reader",
     [](SmallGraph& g) {
       g.node("Abs", {"c"}, {"a"});
       g.output("a");
     }},
    {"it trains",
     [](SmallGraph& g) { g.graph.node(1).attributes.set("training_mode", std::int64_t{1}); }},
    {"its mean is not constant",
     [](SmallGraph& g) {
       g.graph.value(g.value("mean")).constant.reset();
       g.input("mean");
     }},
    {"the weights are not constant",
     [](SmallGraph& g) {
       g.graph.value(g.value("w")).constant.reset();
       g.input("w");
     }},
    {"the channels do not fit",
     [](SmallGraph& g) {
       g.constant("w", Tensor::of<float>({3, 1, 1, 1}, {1, 2, 3}));
     }},
    {"its parameters are of different sizes",
     [](SmallGraph& g) { g.constant("variance", Tensor::of<float>({1}, {1})); }},
    {"the bias is of another size",
     [](SmallGraph& g) {
       g.constant("b", Tensor::zeros(DType::kF32, {64}));
       g.graph.node(0).inputs.push_back(g.value("b"));
     }},
    {"the weights are no filters", [](SmallGraph& g) { g.constant("w", Tensor::scalar(1.0f)); }},
    {"it gives running means too",
     [](SmallGraph& g) {
       g.graph.node(1).outputs.push_back(g.value("running"));
       g.output("running");
     }},
};

TEST(FoldBatchNormalization, StaysWhereFoldingWouldChangeSomething) {
  for (const Blocked& blocked : kBlocked) {
    auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 1}, {1, 2}), {"x", "w"});
    blocked.change(g);
    EXPECT_EQ(fold(g), 0) << blocked.reason;
    EXPECT_EQ(g.only("BatchNormalization").outputs[0], g.value("y")) << blocked.reason;
  }
}

TEST(FoldBatchNormalization, StaysBehindAGemmWithAlphaOrAScalarC) {
  auto alpha = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w"});
  alpha.graph.node(0).attributes.set("alpha", 2.0f);
  EXPECT_EQ(fold(alpha), 0);
  auto scalar = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w", "b"});
  scalar.constant("b", Tensor::scalar(1.0f));
  EXPECT_EQ(fold(scalar), 0);
}

}  // namespace
}  // namespace q8
