#include "rewrite/apply_plan.h"

#include <gmock/gmock.h>

#include <map>

#include "onnx_io/save.h"
#include "plan/make_plan.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using test::spread;
using testing::IsSupersetOf;
using testing::Pair;
using testing::UnorderedElementsAre;

QuantizationPlan plan_of(const Graph& graph, std::vector<TensorStatistics> tensors,
                         std::vector<std::string> exclude = {}) {
  CalibrationProfile profile;
  profile.tensors = std::move(tensors);
  PlanConfig config;
  config.observer = "minmax";
  config.exclude = std::move(exclude);
  return make_plan(graph, profile, config, find_target("onnxruntime-x86"));
}

std::map<std::string, int> types(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes()) ++counts[node.op_type];
  return counts;
}

GraphBuilder two_convs() {
  GraphBuilder b;
  b.input("x").conv("x", "a").node("Relu", {"a"}, "r").conv("r", "y").node("Softmax", {"y"}, "p");
  b.output("p");
  return b;
}

std::vector<TensorStatistics> statistics() {
  return {spread("x", -1, 1), spread("a", -6, 6), spread("r", 0, 6), spread("y", -3, 3),
          spread("p", 0, 1)};
}

TEST(ApplyPlan, QdqSurroundsEveryIntegerNode) {
  auto b = two_convs();
  const Graph result = apply_plan(b.graph(), plan_of(b.graph(), statistics()), Format::kQdq);
  // Values x, r, y are quantized and dequantized; two biases and the weights, which are equal and
  // stored once, only dequantized.
  EXPECT_THAT(types(result), UnorderedElementsAre(Pair("Conv", 2), Pair("QuantizeLinear", 3),
                                                  Pair("DequantizeLinear", 6), Pair("Softmax", 1)));
}

TEST(ApplyPlan, NoFloatWeightsStay) {
  auto b = two_convs();
  const Graph result = apply_plan(b.graph(), plan_of(b.graph(), statistics()), Format::kQdq);
  for (const char* name : {"a_w", "a_b", "y_w", "y_b"})
    EXPECT_EQ(result.constant(result.find_value(name)), nullptr) << name;
  const Tensor* weights = result.constant(result.find_value("a_w_quantized"));
  ASSERT_NE(weights, nullptr);
  // Channel 0: 1 and −0.5 in steps of 1/127; channel 1: 0.25 and 2 in steps of 2/127 (15.875 → 16,
  // −63.5 → −64 to even).
  EXPECT_THAT(weights->values<std::int8_t>(), testing::ElementsAre(127, -64, 16, 127));
}

TEST(ApplyPlan, QOperatorIsIntegerFromEndToEnd) {
  auto b = two_convs();
  const Graph result = apply_plan(b.graph(), plan_of(b.graph(), statistics()), Format::kQOperator);
  EXPECT_THAT(types(result), UnorderedElementsAre(Pair("QuantizeLinear", 1), Pair("QLinearConv", 2),
                                                  Pair("DequantizeLinear", 1), Pair("Softmax", 1)));
}

TEST(ApplyPlan, ExcludedConvolutionIsFencedOff) {
  auto b = two_convs();
  const Graph result =
      apply_plan(b.graph(), plan_of(b.graph(), statistics(), {"y_node"}), Format::kQdq);
  const Uses uses(result);
  for (const Node& node : result.nodes()) {
    if (node.name != "y_node") continue;
    EXPECT_TRUE(result.node(uses.producer(node.inputs[0])).is("Max"));
    EXPECT_NE(result.constant(node.inputs[1]), nullptr);
  }
}

TEST(ApplyPlan, OutputThatIsAlsoReadKeepsItsNameAndSharedWeightsAreStoredOnce) {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2, 1, 1}, {1, 2, 3, 4}));
  b.node("Conv", {"x", "w"}, "a").node("Conv", {"a", "w"}, "c").conv("c", "d").conv("d", "e");
  b.output("a").output("e");
  const Graph result =
      apply_plan(b.graph(),
                 plan_of(b.graph(), {spread("x", -1, 1), spread("a", -1, 1), spread("c", -1, 1),
                                     spread("d", -1, 1), spread("e", -1, 1)}),
                 Format::kQdq);
  EXPECT_EQ(result.value(result.outputs()[0]).name, "a");
  EXPECT_TRUE(result.node(Uses(result).producer(result.outputs()[0])).is("DequantizeLinear"));
  int copies = 0;
  for (const Value& value : result.values()) copies += value.name.starts_with("w_quantized");
  EXPECT_EQ(copies, 1);
}

TEST(ApplyPlan, NewNamesDoNotCollide) {
  auto b = two_convs();
  b.graph().rename_value(b.graph().find_value("p"), "x_quantized");
  b.graph().node(3).name = "x_QuantizeLinear";
  auto tensors = statistics();
  tensors.back().name = "x_quantized";
  const Graph result = apply_plan(b.graph(), plan_of(b.graph(), tensors), Format::kQdq);
  EXPECT_NO_THROW(verify(result));
  EXPECT_EQ(result.value(result.outputs()[0]).name, "x_quantized");
  std::map<std::string, int> names;
  for (const Node& node : result.nodes()) EXPECT_EQ(++names[node.name], 1) << node.name;
}

TEST(ApplyPlan, GemmBiasOfOneRowAndTransposedWeightsAreIntegers) {
  GraphBuilder b;
  Attributes transposed;
  transposed.set("transB", std::int64_t{1});
  b.input("x").constant("w", Tensor::of<float>(Shape{3, 2}, {1, 2, 3, 4, 5, 6}));
  b.constant("c", Tensor::of<float>(Shape{1, 3}, {1, 2, 3}));
  b.node("Gemm", {"x", "w", "c"}, "y", transposed).output("y");
  const auto plan = plan_of(b.graph(), {spread("x", -1, 1), spread("y", -9, 9)});
  const Graph qdq = apply_plan(b.graph(), plan, Format::kQdq);
  EXPECT_EQ(qdq.constant(qdq.find_value("c_quantized"))->shape(), (Shape{3}));
  const Graph qoperator = apply_plan(b.graph(), plan, Format::kQOperator);
  const Tensor* weights = qoperator.constant(qoperator.find_value("w_quantized_transposed"));
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->shape(), (Shape{2, 3}));
  EXPECT_THAT(types(qoperator), IsSupersetOf({Pair(std::string("MatMulInteger"), 1)}));
}

TEST(ApplyPlan, TablesAreGatheredBeforeTheyAreDequantized) {
  GraphBuilder b;
  b.input("ids").constant("table", Tensor::zeros(DType::kF32, Shape{64, 32}));
  b.node("Gather", {"table", "ids"}, "rows").node("Softmax", {"rows"}, "y").output("y");
  const auto plan = plan_of(b.graph(), {spread("rows", -1, 1), spread("y", 0, 1)});
  const Graph result = apply_plan(b.graph(), plan, Format::kQdq);
  EXPECT_THAT(types(result), UnorderedElementsAre(Pair("Gather", 2), Pair("Cast", 1),
                                                  Pair("Mul", 1), Pair("Softmax", 1)));
}

TEST(ApplyPlan, SameArgumentsGiveTheSameBytes) {
  auto b = two_convs();
  const auto plan = plan_of(b.graph(), statistics());
  Model first, second;
  first.graph = apply_plan(b.graph(), plan, Format::kQdq);
  second.graph = apply_plan(b.graph(), plan, Format::kQdq);
  EXPECT_EQ(serialize_model(first), serialize_model(second));
}

TEST(ApplyPlan, PlanOfAnotherGraphIsRefused) {
  auto b = two_convs();
  auto plan = plan_of(b.graph(), statistics());
  plan.activations["elsewhere"] = plan.activations["x"];
  EXPECT_THROW(apply_plan(b.graph(), plan, Format::kQdq), Error);
  EXPECT_THROW(find_format("tflite"), Error);
}

}  // namespace
}  // namespace q8
