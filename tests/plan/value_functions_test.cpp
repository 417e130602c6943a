#include "plan/value_functions.h"

#include <gtest/gtest.h>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;

NodeId node_of(GraphBuilder& b, const std::string& output) {
  return Uses(b.graph()).producer(b.value(output));
}

ValueId argument(GraphBuilder& b, const std::string& output) {
  return ValueFunctions(b.graph()).argument(node_of(b, output));
}

bool is_inside(GraphBuilder& b, const std::string& output) {
  return ValueFunctions(b.graph()).is_inside(node_of(b, output));
}

GraphBuilder behind_conv() {
  GraphBuilder b;
  b.input("x").conv("x", "c");
  b.constant("three", Tensor::scalar(3.0f)).constant("six", Tensor::scalar(6.0f));
  b.constant("zero", Tensor::scalar(0.0f));
  b.constant("columns", Tensor::of<float>(Shape{2, 1, 1}, {1, 2}));
  return b;
}

TEST(ValueFunctions, ASwishIsOneOfItsArgument) {
  GraphBuilder b = behind_conv();
  b.node("Sigmoid", {"c"}, "s").node("Mul", {"c", "s"}, "y").conv("y", "z").output("z");
  EXPECT_EQ(argument(b, "y"), b.value("c"));
  EXPECT_TRUE(is_inside(b, "s"));
  EXPECT_EQ(argument(b, "s"), kNoValue);
  EXPECT_FALSE(is_inside(b, "y"));
}

TEST(ValueFunctions, AHardSwishInPiecesIsOne) {
  GraphBuilder b = behind_conv();
  b.node("Add", {"c", "three"}, "a").node("Clip", {"a", "zero", "six"}, "k");
  b.node("Mul", {"c", "k"}, "m").node("Div", {"m", "six"}, "y").conv("y", "z").output("z");
  EXPECT_EQ(argument(b, "y"), b.value("c"));
  for (const char* inside : {"a", "k", "m"}) EXPECT_TRUE(is_inside(b, inside)) << inside;
}

TEST(ValueFunctions, AGateIsAFunctionAndItsProductIsNone) {
  GraphBuilder b = behind_conv();
  b.conv("c", "g").node("HardSigmoid", {"g"}, "h").node("Mul", {"h", "c"}, "y").output("y");
  EXPECT_EQ(argument(b, "h"), b.value("g"));
  EXPECT_EQ(argument(b, "y"), kNoValue);
}

TEST(ValueFunctions, WhatOthersReadIsAnEndAndNotInside) {
  GraphBuilder b = behind_conv();
  b.node("Sigmoid", {"c"}, "s").node("Mul", {"c", "s"}, "y").conv("s", "z");
  b.output("y").output("z");
  EXPECT_EQ(argument(b, "s"), b.value("c"));
  EXPECT_FALSE(is_inside(b, "s"));
  EXPECT_EQ(argument(b, "y"), kNoValue);  // of two values that are both stored
}

TEST(ValueFunctions, OutputsEndThem) {
  GraphBuilder b = behind_conv();
  b.node("Sigmoid", {"c"}, "s").node("Mul", {"c", "s"}, "y").output("s").output("y");
  EXPECT_FALSE(is_inside(b, "s"));
}

TEST(ValueFunctions, FactorsByChannelAndNumbersAloneMakeNone) {
  GraphBuilder b = behind_conv();
  b.node("Mul", {"c", "columns"}, "m").node("Mul", {"c", "six"}, "n").output("m").output("n");
  EXPECT_EQ(argument(b, "m"), kNoValue);
  EXPECT_EQ(argument(b, "n"), kNoValue);
}

TEST(ValueFunctions, AClampBehindAConvIsNone) {
  GraphBuilder b = behind_conv();
  b.node("Relu", {"c"}, "r").node("Sigmoid", {"r"}, "s").conv("s", "z").output("z");
  EXPECT_EQ(argument(b, "r"), kNoValue);
  EXPECT_EQ(argument(b, "s"), b.value("r"));
}

TEST(ValueFunctions, NoneReadsAnInputOfTheGraph) {
  GraphBuilder b = behind_conv();
  b.node("Sigmoid", {"x"}, "s").output("s");
  EXPECT_EQ(argument(b, "s"), kNoValue);
}

}  // namespace
}  // namespace q8
