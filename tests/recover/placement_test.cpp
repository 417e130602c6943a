#include "recover/placement.h"

#include <gtest/gtest.h>

#include "plan/range_memo.h"
#include "plan/small_graphs.h"
#include "recover/estimated_time.h"

namespace q8 {
namespace {

// h = x · W1 = (1000·x0, x1), y = h · W2 = h1. All of x is in 0…1, so a step of h is 4, and h1 is
// lost in it; x and the weights are exact to half a step of 1/255.
class DrownedValue {
 public:
  DrownedValue() {
    test::GraphBuilder b;
    b.input("x").constant("w1", Tensor::of<float>(Shape{2, 2}, {1000, 0, 0, 1}));
    b.constant("w2", Tensor::of<float>(Shape{2, 1}, {0, 1}));
    b.node("MatMul", {"x", "w1"}, "h").node("MatMul", {"h", "w2"}, "y").output("y");
    graph = b.graph();
    profile.tensors = {test::spread("x", 0, 1), test::spread("h", 0, 1000),
                       test::spread("y", 0, 1)};
    for (TensorStatistics& tensor : profile.tensors) tensor.count = tensor.name == "y" ? 1 : 2;
    profile.samples.resize(1);
    config.observer = "minmax";
    for (int i = 0; i < 10; ++i) {
      const float t = 0.1f * static_cast<float>(i);
      samples.push_back({Tensor::of<float>(Shape{1, 2}, {1 - t, t})});
    }
  }

  PlannedGraph planned() const {
    return {graph, make_plan(graph, profile, config, find_target("onnxruntime-x86"))};
  }
  std::optional<Proposal> propose(double budget) const {
    RangeMemo memo;
    const PlanSource source{profile, config, find_target("onnxruntime-x86"), memo};
    return keep_in_float(planned(), {.fit = samples,
                                     .source = &source,
                                     .float_budget_percent = budget,
                                     .machine = {.threads = 1, .keep = {}}});
  }

  Graph graph;
  CalibrationProfile profile;
  PlanConfig config;
  std::vector<SampleInputs> samples;
};

TEST(Placement, ComputesInFloatWhatDrownsInIntegers) {
  const auto proposal = DrownedValue().propose(100);
  ASSERT_TRUE(proposal.has_value());
  const QuantizationPlan& plan = proposal->model.plan;
  EXPECT_EQ(plan.nodes[0].mode, NodeMode::kInteger);
  EXPECT_EQ(plan.nodes[1].mode, NodeMode::kWeightOnly);
  EXPECT_NE(plan.nodes[1].reason.find("dB of SQNR"), std::string::npos) << plan.nodes[1].reason;
  EXPECT_EQ(plan.find_activation("h"), nullptr);
}

// The second product in float takes 41 % more time (below).
TEST(Placement, StaysWithinItsBudget) {
  EXPECT_FALSE(DrownedValue().propose(40).has_value());
  EXPECT_FALSE(DrownedValue().propose(0).has_value());
}

TEST(Placement, LeavesAlonePlansFromElsewhere) {
  const DrownedValue model;
  EXPECT_FALSE(keep_in_float(model.planned(), {.fit = model.samples, .float_budget_percent = 100})
                   .has_value());
}

// Integers: 4 products and 2 values, 2 products and 1 value: (4 + 2) / 4 + 3 · 4 = 13.5. With the
// second layer in float: 4 / 4 + 2 · 4 + 2 + 8 = 19.
TEST(EstimatedTime, CountsProductsAndValues) {
  const DrownedValue model;
  QuantizationPlan plan = model.planned().plan;
  EXPECT_DOUBLE_EQ(estimated_time(model.graph, model.profile, plan), 13.5);
  plan.nodes[1].mode = NodeMode::kWeightOnly;
  EXPECT_DOUBLE_EQ(estimated_time(model.graph, model.profile, plan), 19);
}

}  // namespace
}  // namespace q8
