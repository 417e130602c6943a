#include "plan/check_plan.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::AllOf;
using testing::HasSubstr;

// x → Conv a → Relu r → Conv y → Softmax p, and the plan that is made for it: a, y are integer, r
// is absorbed, p is float.
class CheckPlan : public testing::Test {
 protected:
  CheckPlan() {
    builder_.input("x").conv("x", "a").node("Relu", {"a"}, "r").conv("r", "y");
    builder_.node("Softmax", {"y"}, "p").node("Sin", {"p"}, "e").output("e");
    CalibrationProfile profile;
    profile.tensors = {spread("x", -1, 1), spread("r", 0, 6), spread("y", -3, 3),
                       spread("p", 0, 1)};
    plan_ = make_plan(builder_.graph(), profile, {}, find_target("onnxruntime-x86"));
  }

  NodePlan& node(const std::string& output) {
    for (NodePlan& row : plan_.nodes)
      if (row.node == output + "_node") return row;
    throw std::runtime_error("no node " + output);
  }

  // The message of the error that the edited plan gives; empty where it fits.
  std::string fault() {
    try {
      check_plan(builder_.graph(), plan_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return error.what();
    }
    return "";
  }

  GraphBuilder builder_;
  QuantizationPlan plan_;
};

TEST_F(CheckPlan, TakesThePlanAsItWasMade) {
  const std::string before = describe(plan_);
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(describe(plan_), before);
}

TEST_F(CheckPlan, ANodeMadeFloatLosesItsConstantsAndItsClampComesBack) {
  ASSERT_EQ(node("r").mode, NodeMode::kAbsorbed);
  ASSERT_NE(plan_.find_constant("a_node", 1), nullptr);
  node("a").mode = NodeMode::kFloat;
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(plan_.find_constant("a_node", 1), nullptr);
  EXPECT_NE(plan_.find_constant("y_node", 1), nullptr);
  EXPECT_EQ(node("r").mode, NodeMode::kFloat);
  EXPECT_THAT(node("r").reason, HasSubstr("'a_node'"));
}

TEST_F(CheckPlan, NamesWhatTheGraphHasNot) {
  node("a").node = "b_node";
  EXPECT_THAT(fault(), AllOf(HasSubstr("the node 'b_node'"), HasSubstr("'a_node'")));
  node("b").node = "a_node";
  plan_.activations.emplace("q", plan_.activations.begin()->second);
  EXPECT_THAT(fault(), HasSubstr("the value 'q'"));
  plan_.activations.erase("q");
  plan_.constants.emplace(std::pair(std::string("z_node"), std::size_t{1}),
                          *plan_.find_constant("a_node", 1));
  EXPECT_THAT(fault(), HasSubstr("the node 'z_node'"));
}

TEST_F(CheckPlan, WantsARowForEveryNodeAndOneAlone) {
  plan_.nodes.push_back(node("a"));
  EXPECT_THAT(fault(), HasSubstr("two rows for the node 'a_node'"));
  plan_.nodes.pop_back();
  plan_.nodes.pop_back();
  EXPECT_THAT(fault(), HasSubstr("no row for Sin 'e_node'"));
}

TEST_F(CheckPlan, WantsTheTypesOfTheNodes) {
  node("a").op_type = "MatMul";
  EXPECT_THAT(fault(), AllOf(HasSubstr("MatMul"), HasSubstr("it is a Conv")));
}

TEST_F(CheckPlan, WantsAScaleForEachChannel) {
  QuantParams& params = plan_.constants.at(std::pair(std::string("a_node"), std::size_t{1})).params;
  params.scale.push_back(1);
  params.zero_point.push_back(0);
  EXPECT_THAT(fault(), AllOf(HasSubstr("3 scales along axis 0"), HasSubstr("input 1 of Conv")));
}

TEST_F(CheckPlan, QuantizesConstantsAlone) {
  plan_.constants.emplace(std::pair(std::string("a_node"), std::size_t{0}),
                          *plan_.find_constant("a_node", 1));
  EXPECT_THAT(fault(), HasSubstr("input 0 of Conv 'a_node', which is no constant"));
}

TEST_F(CheckPlan, IntegerNodesNeedParametersAndAnIntegerForm) {
  node("e").mode = NodeMode::kInteger;
  EXPECT_THAT(fault(), AllOf(HasSubstr("Sin 'e_node' integer"), HasSubstr("no integer form")));
  node("e").mode = NodeMode::kFloat;
  plan_.activations.erase("x");
  EXPECT_THAT(fault(), HasSubstr("no parameters for its input 'x'"));
}

TEST_F(CheckPlan, IntegerNodesNeedTheirWeights) {
  plan_.constants.erase(std::pair(std::string("y_node"), std::size_t{1}));
  EXPECT_THAT(fault(), HasSubstr("no parameters for its weights"));
}

TEST_F(CheckPlan, OnlyAClampBehindAnIntegerNodeIsAbsorbed) {
  node("p").mode = NodeMode::kAbsorbed;
  EXPECT_THAT(fault(), HasSubstr("no clamp behind an integer node"));
}

TEST_F(CheckPlan, OnlyProductsAreDynamic) {
  node("p").mode = NodeMode::kDynamic;
  EXPECT_THAT(fault(), HasSubstr("Softmax 'p_node' dynamic"));
}

}  // namespace
}  // namespace q8
