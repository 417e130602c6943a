#include "rewrite/lift.h"

#include <gmock/gmock.h>

#include "plan/make_plan.h"
#include "plan/small_graphs.h"
#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

using test::GraphBuilder;

int count(const Graph& graph, std::string_view type) {
  int found = 0;
  for (const Node& node : graph.nodes()) found += node.is(type);
  return found;
}

// Each step of x, and what stays the same, times weights: within the body of a Scan, or a branch.
Graph model(const std::string& type) {
  GraphBuilder outer;
  outer.input("x").input("same");
  GraphBuilder b;
  b.graph().add_capture({.outer = outer.value("same"), .inner = b.value("same")});
  if (type == "Scan")
    b.input("step");
  else
    b.graph().add_capture({.outer = outer.value("x"), .inner = b.value("step")});
  b.constant("w", Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f}));
  b.constant("v", Tensor::of<float>(Shape{2, 2}, {3.0f, 0.5f, -0.25f, 1.0f}));
  b.node("MatMul", {"step", "w"}, "p").node("MatMul", {"same", "v"}, "q");
  b.node("Add", {"p", "q"}, "sum").output("sum");
  Attributes attributes;
  const auto body = std::make_shared<const Graph>(b.graph());
  if (type == "Scan") {
    attributes.set("num_scan_inputs", std::int64_t{1});
    attributes.set("body", body);
  } else {
    attributes.set("then_branch", body);
    attributes.set("else_branch", body);
  }
  outer.node(type, {type == "Scan" ? "x" : "same"}, "y", std::move(attributes)).output("y");
  return outer.graph();
}

Graph quantized(const std::string& type, PlanMode mode) {
  PlanConfig config;
  config.mode = mode;
  const Graph graph = model(type);
  return apply_plan(graph, make_plan(graph, {}, config, find_target("onnxruntime-x86")),
                    Format::kQdq);
}

const Graph& body_of(const Graph& graph, const std::string& type, const std::string& name) {
  const auto node = std::ranges::find(graph.nodes(), type, &Node::op_type);
  return *node->attributes.need_graph(name);
}

TEST(Lift, WeightsAreDequantizedOutsideOfLoops) {
  const Graph result = quantized("Scan", PlanMode::kWeights);
  EXPECT_EQ(count(result, "DequantizeLinear"), 2);
  const Graph& body = body_of(result, "Scan", "body");
  EXPECT_EQ(count(body, "DequantizeLinear"), 0);
  EXPECT_EQ(body.captures().size(), 3u);  // both weights, and what was captured before
}

TEST(Lift, WhatStaysTheSameIsQuantizedOnce) {
  const Graph result = quantized("Scan", PlanMode::kDynamic);
  EXPECT_EQ(count(result, "DynamicQuantizeLinear"), 1);
  const Graph& body = body_of(result, "Scan", "body");
  EXPECT_EQ(count(body, "DynamicQuantizeLinear"), 1);  // of each step
  EXPECT_EQ(count(body, "MatMulInteger"), 2);
}

// A branch runs once, or not at all: what only it needs stays in it.
TEST(Lift, BranchesKeepTheirs) {
  const Graph result = quantized("If", PlanMode::kWeights);
  EXPECT_EQ(count(result, "DequantizeLinear"), 0);
  EXPECT_EQ(count(body_of(result, "If", "then_branch"), "DequantizeLinear"), 2);
}

}  // namespace
}  // namespace q8
