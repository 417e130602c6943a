#include <gmock/gmock.h>

#include "base/error.h"
#include "plan/check_plan.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::EndsWith;
using testing::HasSubstr;

// An If whose branch multiplies x by weights, into `made`.
std::shared_ptr<const Graph> branch(Graph& outer, const std::string& made) {
  GraphBuilder b;
  b.graph().add_capture({.outer = outer.find_value("x"), .inner = b.value("x")});
  b.constant(made + "_w", Tensor::of<float>(Shape{2, 2}, {1.0f, -0.5f, 0.25f, 2.0f}));
  b.node("MatMul", {"x", made + "_w"}, made).output(made);
  return std::make_shared<const Graph>(b.graph());
}

Graph model() {
  GraphBuilder b;
  b.input("c").input("x");
  Attributes bodies;
  bodies.set("then_branch", branch(b.graph(), "yes"));
  bodies.set("else_branch", branch(b.graph(), "no"));
  b.node("If", {"c"}, "y", std::move(bodies)).output("y");
  return b.graph();
}

QuantizationPlan plan_of(const Graph& graph, PlanMode mode,
                         const std::vector<std::string>& exclude = {},
                         const std::vector<std::string>& dynamic = {}) {
  PlanConfig config;
  config.mode = mode;
  config.observer = "minmax";
  config.exclude = exclude;
  config.dynamic = dynamic;
  CalibrationProfile profile;
  profile.tensors = {spread("x", -1, 1)};
  return make_plan(graph, profile, config, find_target("onnxruntime-x86"));
}

TEST(BodiesInPlan, TheirNodesHaveRowsThatSayWhereTheyAre) {
  const QuantizationPlan plan = plan_of(model(), PlanMode::kWeights);
  ASSERT_EQ(plan.nodes.size(), 3);
  EXPECT_EQ(plan.nodes[0].op_type, "If");
  EXPECT_EQ(plan.find_node("yes_node")->mode, NodeMode::kWeightOnly);
  EXPECT_THAT(plan.find_node("yes_node")->reason, EndsWith("in then_branch of If 'y_node'"));
  EXPECT_NE(plan.find_constant("no_node", 1), nullptr);
}

TEST(BodiesInPlan, AnObservedValueFromOutsideMakesThemInteger) {
  const QuantizationPlan plan = plan_of(model(), PlanMode::kStatic);
  EXPECT_EQ(plan.find_node("yes_node")->mode, NodeMode::kInteger);
  EXPECT_NE(plan.find_activation("x"), nullptr);
}

TEST(BodiesInPlan, ABranchThatNeverRanIsNamed) {
  GraphBuilder outer, b;
  outer.input("c").input("x");
  b.graph().add_capture({.outer = outer.value("x"), .inner = b.value("x")});
  b.node("Relu", {"x"}, "r").constant("w", Tensor::of<float>(Shape{2, 2}, {1, 2, 3, 4}));
  b.node("MatMul", {"r", "w"}, "z").output("z");
  Attributes bodies;
  bodies.set("then_branch", std::make_shared<const Graph>(b.graph()));
  bodies.set("else_branch", branch(outer.graph(), "no"));
  outer.node("If", {"c"}, "y", std::move(bodies)).output("y");
  PlanConfig config;
  config.observer = "minmax";
  CalibrationProfile profile;
  profile.tensors = {spread("x", -1, 1), spread("no", -1, 1)};
  const QuantizationPlan plan =
      make_plan(outer.graph(), profile, config, find_target("onnxruntime-x86"));
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_THAT(plan.warnings[0], HasSubstr("never ran the then_branch of If 'y_node'"));
  EXPECT_EQ(plan.find_node("z_node")->mode, NodeMode::kWeightOnly);
  EXPECT_EQ(plan.find_node("no_node")->mode, NodeMode::kInteger);
}

TEST(BodiesInPlan, PatternsReachThem) {
  const QuantizationPlan plan = plan_of(model(), PlanMode::kStatic, {"yes*"}, {"no*"});
  EXPECT_EQ(plan.find_node("yes_node")->mode, NodeMode::kFloat);
  EXPECT_EQ(plan.find_node("no_node")->mode, NodeMode::kDynamic);
  EXPECT_THROW(plan_of(model(), PlanMode::kStatic, {"nobody"}), Error);
}

TEST(BodiesInPlan, AnEditedPlanIsHeldAgainstThem) {
  const Graph graph = model();
  QuantizationPlan plan = plan_of(graph, PlanMode::kWeights);
  EXPECT_NO_THROW(check_plan(graph, plan));
  plan.nodes[1].node += "s";
  try {
    check_plan(graph, plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the nearest names are"));
  }
}

}  // namespace
}  // namespace q8
