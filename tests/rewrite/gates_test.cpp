#include "rewrite/gates.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "exec/session.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"
#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using testing::ElementsAre;
using testing::FloatNear;

// x → Conv → m = activation of c → Conv → y
GraphBuilder swish() {
  GraphBuilder b;
  b.input("x").conv("x", "c").node("Sigmoid", {"c"}, "s").node("Mul", {"c", "s"}, "m");
  b.conv("m", "y").output("y");
  return b;
}

GraphBuilder hard_swish() {
  GraphBuilder b;
  b.constant("three", Tensor::scalar(3.0f)).constant("six", Tensor::scalar(6.0f));
  b.constant("none", Tensor::scalar(0.0f));
  b.input("x").conv("x", "c").node("Add", {"c", "three"}, "a");
  b.node("Clip", {"a", "none", "six"}, "s").node("Mul", {"c", "s"}, "p");
  b.node("Div", {"p", "six"}, "m").conv("m", "y").output("y");
  return b;
}

GraphBuilder hard_swish_operator() {
  GraphBuilder b;
  b.graph().opsets[""] = 14;
  b.input("x").conv("x", "c").node("HardSwish", {"c"}, "m").conv("m", "y").output("y");
  return b;
}

Graph quantized(GraphBuilder b, std::string_view target = "onnxruntime-x86") {
  CalibrationProfile profile;
  for (const char* name : {"x", "c", "a", "s", "p", "m", "y"})
    profile.tensors.push_back(test::spread(name, -4, 4));
  PlanConfig config;
  config.observer = "minmax";
  return apply_plan(b.graph(), make_plan(b.graph(), profile, config, find_target(target)),
                    Format::kQdq);
}

std::ptrdiff_t count(const Graph& graph, std::string_view type) {
  return std::ranges::count(graph.nodes(), type, &Node::op_type);
}

std::vector<float> run(const Graph& graph) {
  return Session(graph, {})
      .run(std::vector{Tensor::of<float>({1, 2, 1, 1}, {2, -1})})[0]
      .to_floats();
}

// c = (3, −2.5); c · Sigmoid(c) = (2.8577, −0.1896); y = 1·m₀ − 0.5·m₁ + 0.5, 0.25·m₀ + 2·m₁ − 1.
// A step of each value is 8/255.
TEST(Gates, TheSigmoidOfASwishIsQuantized) {
  const Graph graph = quantized(swish());
  EXPECT_EQ(count(graph, "QuantizeLinear"), 5);  // x, c, s, m, y
  EXPECT_THAT(run(graph), ElementsAre(FloatNear(3.4525f, 0.07f), FloatNear(-0.6649f, 0.07f)));
}

// m = (3, −2.5 · 0.5 / 6)
TEST(Gates, AHardSwishIsAProductOfIntegers) {
  for (const GraphBuilder& b : {hard_swish(), hard_swish_operator()}) {
    const Graph graph = quantized(b);
    EXPECT_EQ(count(graph, "Add") + count(graph, "Mul"), 2);
    EXPECT_EQ(count(graph, "Clip") + count(graph, "Div") + count(graph, "HardSwish"), 0);
    EXPECT_THAT(run(graph), ElementsAre(FloatNear(3.6042f, 0.07f), FloatNear(-0.6667f, 0.07f)));
  }
}

TEST(Gates, StayOneFunctionForOtherTargets) {
  EXPECT_EQ(count(quantized(hard_swish(), "tensorrt"), "Div"), 1);
  EXPECT_EQ(count(quantized(hard_swish_operator(), "openvino"), "HardSwish"), 1);
}

}  // namespace
}  // namespace q8
