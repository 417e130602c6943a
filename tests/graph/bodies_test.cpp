#include "graph/bodies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// y = MatMul(x, w), both read from outside.
std::shared_ptr<const Graph> product_of(SmallGraph& outer, std::string_view x, std::string_view w) {
  SmallGraph body;
  body.graph.add_capture({.outer = outer.value(x), .inner = body.value(x)});
  body.graph.add_capture({.outer = outer.value(w), .inner = body.value(w)});
  body.node("MatMul", {std::string(x), std::string(w)}, {"y"});
  body.output("y");
  return std::make_shared<const Graph>(body.graph);
}

// Both branches of an If multiply x by w.
SmallGraph branches_that_share() {
  SmallGraph g;
  g.input("c");
  g.input("x");
  g.constant("w", Tensor::of<float>(Shape{1, 2}, {1.0f, 2.0f}));
  const auto then_branch = product_of(g, "x", "w"), else_branch = product_of(g, "x", "w");
  Node& choice = g.node("If", {"c"}, {"y"});
  choice.attributes.set("then_branch", then_branch);
  choice.attributes.set("else_branch", else_branch);
  g.output("y");
  return g;
}

const Graph& body_of(const Graph& graph, std::string_view attribute) {
  return **std::get_if<std::shared_ptr<const Graph>>(graph.node(0).attributes.find(attribute));
}

TEST(Bodies, AreListedWithTheirPlace) {
  const SmallGraph g = branches_that_share();
  const auto all = with_bodies(g.graph);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].place, "");
  EXPECT_EQ(all[1].place, "else_branch of If 'If'");
  EXPECT_EQ(all[2].place, "then_branch of If 'If'");
}

TEST(TakeOuterConstants, ABodyHasTheWeightsThatItReads) {
  SmallGraph g = branches_that_share();
  const std::shared_ptr<const Graph> before = g.graph.node(0).attributes.need_graph("then_branch");
  take_outer_constants(g.graph);
  const Graph& body = body_of(g.graph, "then_branch");
  const Tensor* taken = body.constant(body.node(0).inputs[1]);
  ASSERT_NE(taken, nullptr);
  EXPECT_THAT(taken->to_floats(), ElementsAre(1, 2));
  EXPECT_EQ(taken->bytes(), g.graph.constant(g.value("w"))->bytes());  // no copy
  ASSERT_THAT(body.captures(), SizeIs(1));
  EXPECT_EQ(body.captures()[0].outer, g.value("x"));
  EXPECT_THAT(before->captures(), SizeIs(2));  // a graph that shared the body keeps it
}

TEST(SeparateNames, BranchesHaveDifferentOnes) {
  SmallGraph g = branches_that_share();
  separate_names(g.graph);
  const Graph &a = body_of(g.graph, "else_branch"), &b = body_of(g.graph, "then_branch");
  EXPECT_NE(a.node(0).name, b.node(0).name);
  EXPECT_NE(a.value(a.outputs()[0]).name, b.value(b.outputs()[0]).name);
  EXPECT_NE(a.value(a.outputs()[0]).name, "y");  // which the outermost graph has
  EXPECT_EQ(g.name_of(g.graph.outputs()[0]), "y");
  for (const Graph* body : {&a, &b}) {
    EXPECT_EQ(body->value(body->node(0).inputs[0]).name, "x");
    EXPECT_EQ(body->value(body->node(0).inputs[1]).name, "w");
  }
}

TEST(SeparateNames, WhatIsReadFromOutsideHasItsNameThere) {
  SmallGraph g = branches_that_share();
  g.node("Abs", {"x"}, {"a"});
  g.graph.replace_uses(g.value("x"), g.value("a"));  // as a pass does; Abs too
  g.graph.node(1).inputs[0] = g.value("x");
  separate_names(g.graph);
  const Graph& body = body_of(g.graph, "then_branch");
  EXPECT_EQ(body.value(body.node(0).inputs[0]).name, "a");
}

TEST(SeparateNames, TwoWaysToOneValueBecomeOne) {
  SmallGraph g;
  g.input("c");
  g.input("x");
  g.node("Neg", {"x"}, {"other"});
  const auto body = product_of(g, "x", "other");
  Node& choice = g.node("If", {"c"}, {"y"});
  choice.attributes.set("then_branch", body);
  g.output("y");
  g.graph.remove_node(0);
  g.graph.replace_uses(g.value("other"), g.value("x"));
  g.graph.tidy();
  separate_names(g.graph);
  const Graph& result = body_of(g.graph, "then_branch");
  EXPECT_THAT(result.captures(), SizeIs(1));
  EXPECT_EQ(result.node(0).inputs[0], result.node(0).inputs[1]);
}

TEST(Canonicalize, BodiesFoldToo) {
  SmallGraph g = branches_that_share();
  SmallGraph body;
  body.constant("w", Tensor::of<float>(Shape{2}, {1.0f, 2.0f}));
  body.node("Neg", {"w"}, {"y"});
  body.output("y");
  g.graph.node(0).attributes.set("else_branch", std::make_shared<const Graph>(body.graph));
  canonicalize(g.graph, [](const Graph&, const Node& node) {
    EXPECT_EQ(node.op_type, "Neg");
    return std::vector<Tensor>{Tensor::of<float>(Shape{2}, {-1.0f, -2.0f})};
  });
  const Graph& folded = body_of(g.graph, "else_branch");
  EXPECT_THAT(folded.nodes(), IsEmpty());
  EXPECT_THAT(folded.constant(folded.outputs()[0])->to_floats(), ElementsAre(-1, -2));
}

}  // namespace
}  // namespace q8
