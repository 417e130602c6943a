#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

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
                     std::int64_t groups = 1, const std::string& output = "y") {
  SmallGraph g;
  g.input("x");
  g.constant("w", std::move(weight));
  g.node(type, inputs, {"c"}).attributes.set("group", groups);
  add_norm(g, "c", "y");
  g.output(output);
  return g;
}

int fold(SmallGraph& g) {
  const int folded = fold_affine(g.graph, {});
  g.graph.tidy();
  return folded;
}

TEST(FoldAffine, GivesAConvWithoutBiasOne) {
  auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 2}, {1, 2, 3, 4}), {"x", "w"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_EQ(g.types(), "Conv");
  const Node& conv = g.only("Conv");
  EXPECT_THAT(g.floats(conv.input(1)), ElementsAre(1, 2, 9, 12));
  EXPECT_THAT(g.floats(conv.input(2)), ElementsAre(-2, -3));
  EXPECT_EQ(g.name_of(conv.outputs[0]), "y");
}

TEST(FoldAffine, ScalesTheBiasOfAGroupedConv) {
  auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 1}, {1, 2}), {"x", "w", "b"}, 2);
  g.constant("b", Tensor::of<float>({2}, {10, 20}));
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("Conv").input(1)), ElementsAre(1, 6));
  EXPECT_THAT(g.floats(g.only("Conv").input(2)), ElementsAre(8, 57));
}

// The weights of a ConvTranspose are [in, out / groups, …]: with two groups of one output each, the
// first input channel belongs to the first output.
TEST(FoldAffine, FollowsTheGroupsOfAConvTranspose) {
  auto g = with_norm("ConvTranspose", Tensor::of<float>({4, 1, 1, 1}, {1, 2, 3, 4}), {"x", "w"}, 2);
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("ConvTranspose").input(1)), ElementsAre(1, 2, 9, 12));
}

TEST(FoldAffine, FollowsTheOutputsOfAConvTranspose) {
  auto g = with_norm("ConvTranspose", Tensor::of<float>({2, 2, 1, 1}, {1, 2, 3, 4}), {"x", "w"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("ConvTranspose").input(1)), ElementsAre(1, 6, 3, 12));
}

TEST(FoldAffine, FollowsTheColumnsOfAGemm) {
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

TEST(FoldAffine, LeavesSharedWeightsAsTheyAre) {
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

TEST(FoldAffine, StaysWhereFoldingWouldChangeSomething) {
  for (const Blocked& blocked : kBlocked) {
    auto g = with_norm("Conv", Tensor::of<float>({2, 1, 1, 1}, {1, 2}), {"x", "w"});
    blocked.change(g);
    EXPECT_EQ(fold(g), 0) << blocked.reason;
    EXPECT_EQ(g.only("BatchNormalization").outputs[0], g.value("y")) << blocked.reason;
  }
}

TEST(FoldAffine, StaysBehindAGemmWithAlphaOrAScalarC) {
  auto alpha = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w"});
  alpha.graph.node(0).attributes.set("alpha", 2.0f);
  EXPECT_EQ(fold(alpha), 0);
  auto scalar = with_norm("Gemm", Tensor::of<float>({2, 2}, {1, 2, 3, 4}), {"x", "w", "b"});
  scalar.constant("b", Tensor::scalar(1.0f));
  EXPECT_EQ(fold(scalar), 0);
}

// y = op(conv(x), constant), or the other way round.
SmallGraph with_arithmetic(const std::string& type, const std::string& producer, Tensor weight,
                           Tensor constant, bool constant_first = false,
                           const std::string& output = "y") {
  SmallGraph g;
  g.input("x");
  g.constant("w", std::move(weight));
  g.constant("k", std::move(constant));
  g.node(producer, {"x", "w"}, {"c"});
  if (constant_first)
    g.node(type, {"k", "c"}, {"y"});
  else
    g.node(type, {"c", "k"}, {"y"});
  g.output(output);
  return g;
}

Tensor two_filters() {
  return Tensor::of<float>({2, 1, 1, 1}, {1, 2});
}

// Each of type, the constant's side, and what the weights (1, 2) and the bias become.
struct Arithmetic {
  const char* type;
  bool constant_first;
  std::vector<float> weights, bias;
};

TEST(FoldAffine, TakesArithmeticOfOneNumberAChannel) {
  const Arithmetic cases[] = {
      {"Mul", false, {4, 16}, {}},        {"Mul", true, {4, 16}, {}},
      {"Div", false, {0.25f, 0.25f}, {}}, {"Add", true, {1, 2}, {4, 8}},
      {"Sub", false, {1, 2}, {-4, -8}},   {"Sub", true, {-1, -2}, {4, 8}},
  };
  for (const Arithmetic& c : cases)
    for (const Shape& shape : {Shape{2, 1, 1}, Shape{1, 2, 1, 1}}) {
      auto g = with_arithmetic(c.type, "Conv", two_filters(), Tensor::of<float>(shape, {4, 8}),
                               c.constant_first);
      EXPECT_EQ(fold(g), 1) << c.type;
      EXPECT_EQ(g.types(), "Conv");
      const Node& conv = g.only("Conv");
      EXPECT_THAT(g.floats(conv.input(1)), ElementsAreArray(c.weights)) << c.type;
      ASSERT_EQ(conv.input(2) != kNoValue, !c.bias.empty()) << c.type;
      if (!c.bias.empty()) {
        EXPECT_THAT(g.floats(conv.input(2)), ElementsAreArray(c.bias));
      }
      EXPECT_EQ(g.name_of(conv.outputs[0]), "y");
    }
}

TEST(FoldAffine, TakesOneNumberForAllChannels) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{1, 1, 1, 1}}) {
    auto g = with_arithmetic("Mul", "Conv", two_filters(), Tensor::of<float>(shape, {3}));
    EXPECT_EQ(fold(g), 1) << shape.str();
    EXPECT_THAT(g.floats(g.only("Conv").input(1)), ElementsAre(3, 6));
  }
}

// A scale layer as Caffe2 wrote it: normalization, factor and shift one after the other.
TEST(FoldAffine, TakesSeveralInARow) {
  auto g = with_norm("Conv", two_filters(), {"x", "w"}, 1, "z");
  g.constant("factor", Tensor::of<float>({2, 1, 1}, {10, 20}));
  g.constant("added", Tensor::of<float>({2, 1, 1}, {1, 2}));
  g.node("Mul", {"y", "factor"}, {"m"});
  g.node("Add", {"m", "added"}, {"z"});
  EXPECT_EQ(fold(g), 3);
  EXPECT_EQ(g.types(), "Conv");
  EXPECT_THAT(g.floats(g.only("Conv").input(1)), ElementsAre(10, 120));
  EXPECT_THAT(g.floats(g.only("Conv").input(2)), ElementsAre(-19, -58));
}

// [2] and [1, 1, 1, 2] lie along the width, [2, 1, 1, 1] along the batch; five axes make more axes.
TEST(FoldAffine, LeavesConstantsAlongOtherAxes) {
  for (const Shape& shape : {Shape{2}, Shape{1, 1, 1, 2}, Shape{2, 1, 1, 1}, Shape{1, 1, 2, 1, 1}})
    for (const char* type : {"Add", "Mul"}) {
      auto g = with_arithmetic(type, "Conv", two_filters(), Tensor::of<float>(shape, {5, 6}));
      EXPECT_EQ(fold(g), 0) << type << " of " << shape.str();
    }
}

TEST(FoldAffine, LeavesWhatIsNotAffineOrNotFinite) {
  auto reciprocal = with_arithmetic("Div", "Conv", two_filters(), Tensor::scalar(2.0f), true);
  EXPECT_EQ(fold(reciprocal), 0);
  auto by_zero = with_arithmetic("Div", "Conv", two_filters(), Tensor::scalar(0.0f));
  EXPECT_EQ(fold(by_zero), 0);
  auto integers = with_arithmetic("Mul", "Conv", two_filters(), Tensor::scalar<std::int32_t>(2));
  EXPECT_EQ(fold(integers), 0);
}

TEST(FoldAffine, ScalesTheColumnsOfAMatMul) {
  const auto weight = [] { return Tensor::of<float>({2, 2}, {1, 2, 3, 4}); };
  auto g = with_arithmetic("Mul", "MatMul", weight(), Tensor::of<float>({2}, {10, 100}));
  EXPECT_EQ(fold(g), 1);
  EXPECT_THAT(g.floats(g.only("MatMul").input(1)), ElementsAre(10, 200, 30, 400));
  auto biased = with_arithmetic("Add", "MatMul", weight(), Tensor::of<float>({2}, {10, 100}));
  EXPECT_EQ(fold(biased), 0) << "a MatMul has no bias";
  auto rows = with_arithmetic("Mul", "MatMul", weight(), Tensor::of<float>({2, 1}, {10, 100}));
  EXPECT_EQ(fold(rows), 0);
}

// Factors 1 and 3, shifts −2 and −3, as add_norm has them.
TEST(FoldAffine, GoesThroughAReshapeThatKeepsTheColumnsOfAMatMul) {
  const auto reshaped = [](std::vector<std::int64_t> shape) {
    SmallGraph g;
    g.input("x");
    g.constant("w", Tensor::of<float>({2, 2}, {1, 2, 3, 4}));
    g.constant("shape", Tensor::of<std::int64_t>({2}, std::move(shape)));
    g.node("MatMul", {"x", "w"}, {"m"});
    g.node("Reshape", {"m", "shape"}, {"r"});
    add_norm(g, "r", "y");
    g.output("y");
    return g;
  };
  auto g = reshaped({-1, 2});
  EXPECT_EQ(fold(g), 1);
  EXPECT_EQ(g.types(), "MatMul Add Reshape");
  EXPECT_THAT(g.floats(g.only("MatMul").input(1)), ElementsAre(1, 6, 3, 12));
  EXPECT_THAT(g.floats(g.only("Add").input(1)), ElementsAre(-2, -3));
  EXPECT_EQ(g.name_of(g.only("Reshape").outputs[0]), "y");
  auto others = reshaped({2, -1});  // the channels may be something else
  EXPECT_EQ(fold(others), 0);
}

TEST(FoldAffine, ScalesAMatMulAndTheBiasBehindIt) {
  auto g = with_arithmetic("Add", "MatMul", Tensor::of<float>({2, 2}, {1, 2, 3, 4}),
                           Tensor::of<float>({2}, {5, 6}), false, "z");
  g.constant("gamma", Tensor::of<float>({2}, {10, 100}));
  g.node("Mul", {"gamma", "y"}, {"z"});
  EXPECT_EQ(fold(g), 1);
  EXPECT_EQ(g.types(), "MatMul Add");
  EXPECT_THAT(g.floats(g.only("MatMul").input(1)), ElementsAre(10, 200, 30, 400));
  EXPECT_THAT(g.floats(g.only("Add").input(1)), ElementsAre(50, 600));
}

}  // namespace
}  // namespace q8
