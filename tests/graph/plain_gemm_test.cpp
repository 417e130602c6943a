#include <gmock/gmock.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using ::testing::ElementsAre;

const Evaluate kNoEvaluation;  // the pass computes nothing by running nodes

SmallGraph gemm(float alpha, float beta, std::int64_t trans_a, bool constant_bias = true) {
  SmallGraph b;
  b.input("x");
  b.constant("w", Tensor::of<float>(Shape{2, 2}, {1, 2, 3, 4}));
  if (constant_bias)
    b.constant("b", Tensor::of<float>(Shape{2}, {5, 6}));
  else
    b.input("b");
  Node& node = b.node("Gemm", {"x", "w", "b"}, {"y"});
  node.attributes.set("alpha", alpha);
  node.attributes.set("beta", beta);
  node.attributes.set("transA", trans_a);
  b.output("y");
  return b;
}

TEST(PlainGemm, FactorsGoIntoTheConstants) {
  SmallGraph b = gemm(0.5f, 2, 0);
  EXPECT_EQ(plain_gemm(b.graph, kNoEvaluation), 1);
  const Node& node = b.only("Gemm");
  EXPECT_FALSE(node.attributes.has("alpha") || node.attributes.has("beta"));
  EXPECT_THAT(b.floats(node.inputs[1]), ElementsAre(0.5f, 1, 1.5f, 2));
  EXPECT_THAT(b.floats(node.inputs[2]), ElementsAre(10, 12));
  // Others may read the constants as they were.
  EXPECT_THAT(b.floats(b.value("w")), ElementsAre(1, 2, 3, 4));
}

TEST(PlainGemm, TransposedInputIsTransposedBefore) {
  SmallGraph b = gemm(1, 1, 1);
  EXPECT_EQ(plain_gemm(b.graph, kNoEvaluation), 1);
  b.graph.tidy();
  EXPECT_EQ(b.types(), "Transpose Gemm");
  EXPECT_EQ(b.only("Transpose").inputs[0], b.value("x"));
  EXPECT_THAT(b.only("Transpose").attributes.get_ints("perm"), ElementsAre(1, 0));
  EXPECT_EQ(b.only("Gemm").inputs[0], b.only("Transpose").outputs[0]);
  EXPECT_FALSE(b.only("Gemm").attributes.has("transA"));
}

TEST(PlainGemm, KeepsTheFactorOfAComputedBias) {
  SmallGraph b = gemm(1, 2, 0, false);
  EXPECT_EQ(plain_gemm(b.graph, kNoEvaluation), 0);
  EXPECT_EQ(b.only("Gemm").attributes.get_float("beta", 1), 2);
}

TEST(PlainGemm, OneNumberBecomesABiasOfEveryColumn) {
  SmallGraph b = gemm(1, 2, 0);
  b.constant("b", Tensor::of<float>(Shape{1, 1}, {5}));
  EXPECT_EQ(plain_gemm(b.graph, kNoEvaluation), 1);
  EXPECT_THAT(b.floats(b.only("Gemm").inputs[2]), ElementsAre(10, 10));
}

TEST(PlainGemm, WhatIsNoBiasIsAddedBehindIt) {
  SmallGraph computed = gemm(1, 1, 0, false);
  EXPECT_EQ(plain_gemm(computed.graph, kNoEvaluation), 1);
  EXPECT_EQ(computed.types(), "Gemm Add");
  EXPECT_EQ(computed.only("Gemm").inputs.size(), 2u);
  EXPECT_EQ(computed.only("Add").inputs[0], computed.only("Gemm").outputs[0]);
  EXPECT_EQ(computed.only("Add").inputs[1], computed.value("b"));
  EXPECT_EQ(computed.only("Add").outputs[0], computed.value("y"));
  SmallGraph rows = gemm(1, 1, 0);
  rows.constant("b", Tensor::of<float>(Shape{2, 1}, {5, 6}));
  EXPECT_EQ(plain_gemm(rows.graph, kNoEvaluation), 1);
  EXPECT_EQ(rows.types(), "Gemm Add");
}

TEST(PlainGemm, LeavesAPlainOneAlone) {
  SmallGraph b = gemm(1, 1, 0);
  EXPECT_EQ(plain_gemm(b.graph, kNoEvaluation), 0);
}

}  // namespace
}  // namespace q8
