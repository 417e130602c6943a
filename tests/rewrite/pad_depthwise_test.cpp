#include "rewrite/pad_depthwise.h"

#include <gmock/gmock.h>

#include "exec/session.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"
#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;

Tensor all(Shape shape, float value) {
  Tensor tensor(DType::kF32, std::move(shape));
  std::fill_n(tensor.mutable_data<float>(), tensor.size(), value);
  return tensor;
}

// Of x [1, 2, 1, 1]: e = x₀ + x₁ in every channel, d = e / 2, r = max(d, 0), y = Σ r, z = y (in
// float).
GraphBuilder between_convolutions(std::int64_t channels) {
  GraphBuilder b;
  b.constant("e_w", all({channels, 2, 1, 1}, 1)).constant("d_w", all({channels, 1, 1, 1}, 0.5f));
  b.constant("d_b", all({channels}, 0)).constant("y_w", all({1, channels, 1, 1}, 1));
  b.constant("z_w", all({1, 1, 1, 1}, 1));
  Attributes depthwise;
  depthwise.set("group", channels);
  b.input("x").node("Conv", {"x", "e_w"}, "e").node("Conv", {"e", "d_w", "d_b"}, "d", depthwise);
  b.node("Relu", {"d"}, "r").node("Conv", {"r", "y_w"}, "y");
  b.node("Conv", {"y", "z_w"}, "z").output("z");
  return b;
}

struct Padded {
  Graph graph;
  QuantizationPlan plan;

  const Shape& shape(const std::string& node) const {
    for (const Node& n : graph.nodes())
      if (n.name == node) return graph.constant(n.inputs[1])->shape();
    throw std::out_of_range(node);
  }
};

Padded padded(GraphBuilder b, std::string_view target = "onnxruntime-x86") {
  CalibrationProfile profile;
  for (const char* name : {"x", "e", "d", "r"})
    profile.tensors.push_back(test::spread(name, -4, 4));
  for (const char* name : {"y", "z"}) profile.tensors.push_back(test::spread(name, 0, 80));
  PlanConfig config;
  config.observer = "minmax";
  Padded result{.graph = b.graph(),
                .plan = make_plan(b.graph(), profile, config, find_target(target))};
  pad_depthwise_channels(result.graph, result.plan);
  return result;
}

TEST(PadDepthwise, WidensWhatMakesAndWhatReadsTheChannels) {
  const Padded wider = padded(between_convolutions(24));
  EXPECT_EQ(wider.shape("e_node"), (Shape{32, 2, 1, 1}));
  EXPECT_EQ(wider.shape("d_node"), (Shape{32, 1, 1, 1}));
  EXPECT_EQ(wider.shape("y_node"), (Shape{1, 32, 1, 1}));
  const ConstantPlan &weights = *wider.plan.find_constant("d_node", 1),
                     &bias = *wider.plan.find_constant("d_node", 2);
  const float step_of_e = wider.plan.find_activation("e")->params.scale[0];
  EXPECT_THAT(weights.params.scale, testing::SizeIs(32));
  EXPECT_THAT(weights.params.scale, Each(0.5f / 127));
  EXPECT_THAT(bias.params.scale, Each(step_of_e * (0.5f / 127)));  // the new channels' too
}

// z = 24 · max((1.5 + 2) / 2, 0); half a step of x, e and r is 4/255, of y 40/255.
TEST(PadDepthwise, NewChannelsAddNothing) {
  const Padded wider = padded(between_convolutions(24));
  for (const Format format : {Format::kQdq, Format::kQOperator}) {
    const Graph graph = apply_plan(wider.graph, wider.plan, format);
    const auto z = Session(graph, {}).run(std::vector{Tensor::of<float>({1, 2, 1, 1}, {1.5f, 2})});
    EXPECT_THAT(z[0].to_floats(), ElementsAre(FloatNear(42, 1.2f)));
  }
}

TEST(PadDepthwise, LeavesWhatFitsOrWouldGrowByMoreThanHalf) {
  for (const std::int64_t channels : {17, 21, 32, 48})
    EXPECT_EQ(padded(between_convolutions(channels)).shape("d_node")[0], channels);
}

TEST(PadDepthwise, LeavesChannelsThatOthersRead) {
  for (const char* value : {"e", "d", "r"}) {
    GraphBuilder b = between_convolutions(24);
    b.output(value);
    EXPECT_EQ(padded(b).shape("d_node")[0], 24) << value;
  }
}

TEST(PadDepthwise, LeavesTargetsThatTakeAnyNumber) {
  EXPECT_EQ(padded(between_convolutions(24), "tensorrt").shape("d_node")[0], 24);
}

}  // namespace
}  // namespace q8
