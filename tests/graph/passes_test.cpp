#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;

int run(SmallGraph& g, int (*pass)(Graph&, const Evaluate&), const Evaluate& evaluate = {}) {
  const int changed = pass(g.graph, evaluate);
  g.graph.tidy();
  return changed;
}

TEST(RemoveIdentities, ADropoutWhoseMaskIsReadStays) {
  const auto dropout = [](bool mask_is_output, bool mask_is_read) {
    SmallGraph g;
    g.input("x");
    g.node("Dropout", {"x"}, {"d", "mask"});
    g.node("Abs", {"d"}, {"y"});
    g.output("y");
    if (mask_is_output) g.output("mask");
    if (mask_is_read) {
      g.node("Not", {"mask"}, {"n"});
      g.output("n");
    }
    return run(g, remove_identities);
  };
  EXPECT_EQ(dropout(true, false), 0);
  EXPECT_EQ(dropout(false, true), 0);
  EXPECT_EQ(dropout(false, false), 1);
}

TEST(RemoveIdentities, ADropoutThatTrainsStays) {
  for (const bool trains : {false, true}) {
    SmallGraph g;
    g.input("x");
    g.constant("training", Tensor::scalar(trains));
    g.node("Dropout", {"x", "", "training"}, {"d"});
    g.node("Abs", {"d"}, {"y"});
    g.output("y");
    EXPECT_EQ(run(g, remove_identities), trains ? 0 : 1);
  }
}

TEST(RemoveIdentities, BetweenInputAndOutputOneStays) {
  SmallGraph g;
  g.input("x");
  g.node("Identity", {"x"}, {"y"});
  g.output("y");
  EXPECT_EQ(run(g, remove_identities), 0);
  EXPECT_EQ(g.types(), "Identity");
}

TEST(RemoveIdentities, BrokenNodesAreLeftToTheOperator) {
  SmallGraph g;
  g.input("x");
  g.node("Identity", {}, {"a"});
  g.node("Identity", {"x"}, {""});
  g.node("Clip", {"a", "", ""}, {"y"});
  g.output("y");
  EXPECT_EQ(run(g, remove_identities), 0);
  EXPECT_THAT(g.only("Clip").inputs, ElementsAre(g.value("a"), kNoValue, kNoValue));
}

TEST(RemoveIdentities, ACastOfAFloatInputToFloatGoes) {
  for (const std::int64_t to : {1, 10}) {  // TensorProto.FLOAT, FLOAT16
    SmallGraph g;
    g.input("x");
    g.graph.value(g.value("x")).type.dtype = DType::kF32;
    g.node("Cast", {"x"}, {"c"}).attributes.set("to", to);
    g.node("Abs", {"c"}, {"y"});
    g.output("y");
    EXPECT_EQ(run(g, remove_identities), to == 1 ? 1 : 0);
  }
}

std::vector<Tensor> seven(const Graph&, const Node& node) {
  return std::vector<Tensor>(node.outputs.size(), Tensor::scalar(7.0f));
}

TEST(FoldConstants, WhatReadsOnlyConstantsIsEvaluated) {
  SmallGraph g;
  g.input("x");
  g.constant("c", Tensor::scalar(1.0f));
  g.node("Neg", {"c"}, {"n"});
  g.node("Add", {"x", "n"}, {"s"});
  g.node("Exp", {"n"}, {"e"});
  g.output("s");
  g.output("e");
  EXPECT_EQ(run(g, fold_constants, seven), 2);
  EXPECT_EQ(g.types(), "Add");
  EXPECT_THAT(g.floats(g.value("e")), ElementsAre(7));
}

TEST(FoldConstants, RandomAndQuantizationAndUnknownNodesStay) {
  for (const auto* type : {"RandomNormal", "DequantizeLinear", "QuantizeLinear", "Bernoulli"}) {
    SmallGraph g;
    g.constant("c", Tensor::scalar(1.0f));
    g.node(type, {"c"}, {"y"});
    g.output("y");
    EXPECT_EQ(run(g, fold_constants, seven), 0) << type;
  }
  SmallGraph g;
  g.constant("c", Tensor::scalar(1.0f));
  g.node("NoSuchOperator", {"c"}, {"y"});
  g.output("y");
  EXPECT_EQ(run(g, fold_constants, [](const Graph&, const Node&) { return std::vector<Tensor>(); }),
            0);
}

TEST(FoldConstants, TheShapeOfAnInputOfFixedSizeIsKnown) {
  for (const std::int64_t batch : {std::int64_t{4}, kUnknownDim}) {
    SmallGraph g;
    g.input("x");
    g.graph.value(g.value("x")).type.dims = {batch, 3};
    g.node("Shape", {"x"}, {"s"});
    g.node("Reshape", {"x", "s"}, {"y"});
    g.output("y");
    EXPECT_EQ(run(g, fold_constants, seven), batch == 4 ? 1 : 0);
    if (batch == 4) {
      EXPECT_THAT(g.floats(g.value("s")), ElementsAre(4, 3));
    }
  }
}

TEST(Canonicalize, EveryPassHasItsOwnName) {
  std::vector<std::string> names;
  for (const CanonicalPass& pass : canonical_passes()) names.emplace_back(pass.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_GE(names.size(), 4u);
}

// Identity between Conv and BatchNormalization, then an Add: three passes need each other.
TEST(Canonicalize, RunsUntilNothingChanges) {
  SmallGraph g;
  g.input("x");
  g.constant("w", Tensor::of<float>({1, 1, 1, 1}, {2}));
  g.constant("one", Tensor::of<float>({1}, {1}));
  g.constant("a", Tensor::of<float>({1, 1, 1}, {5}));
  g.node("Conv", {"x", "w"}, {"c"});
  g.node("Add", {"c", "a"}, {"s"});
  g.node("Identity", {"s"}, {"i"});
  g.node("BatchNormalization", {"i", "one", "one", "one", "one"}, {"y"})
      .attributes.set("epsilon", 0.0f);
  g.output("y");
  canonicalize(g.graph, seven);
  EXPECT_EQ(g.types(), "Conv");
  EXPECT_THAT(g.floats(g.only("Conv").input(2)), ElementsAre(5));  // (5 − 1) · 1 + 1
}

}  // namespace
}  // namespace q8
