#include "rewrite/constants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/bodies.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::SizeIs;

std::shared_ptr<const Graph> body_with(std::int64_t size) {
  SmallGraph body;
  body.constant("w", Tensor::zeros(DType::kS8, Shape{size}));
  body.node("Neg", {"w"}, {"y"});
  body.output("y");
  return std::make_shared<const Graph>(body.graph);
}

SmallGraph branches_with(std::int64_t size) {
  SmallGraph g;
  g.input("c");
  Node& choice = g.node("If", {"c"}, {"y"});
  choice.attributes.set("then_branch", body_with(size));
  choice.attributes.set("else_branch", body_with(size));
  g.output("y");
  return g;
}

TEST(GiveOuterConstants, EqualOnesOfTwoBranchesAreOnceOutside) {
  SmallGraph g = branches_with(1024);
  give_outer_constants(g.graph);
  int outside = 0;
  for (const Value& value : g.graph.values()) outside += value.constant.has_value();
  EXPECT_EQ(outside, 1);
  for (const char* name : {"then_branch", "else_branch"}) {
    const auto body = g.graph.node(0).attributes.need_graph(name);
    ASSERT_THAT(body->captures(), SizeIs(1));
    EXPECT_NE(g.graph.constant(body->captures()[0].outer), nullptr);
    EXPECT_EQ(body->captures()[0].inner, body->node(0).inputs[0]);
    EXPECT_EQ(body->constant(body->node(0).inputs[0]), nullptr);
  }
}

TEST(GiveOuterConstants, SmallOnesStay) {
  SmallGraph g = branches_with(1023);
  give_outer_constants(g.graph);
  const auto body = g.graph.node(0).attributes.need_graph("then_branch");
  EXPECT_TRUE(body->captures().empty());
  EXPECT_NE(body->constant(body->node(0).inputs[0]), nullptr);
}

}  // namespace
}  // namespace q8
