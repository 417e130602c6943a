#include "plan/decided_values.h"

#include <gmock/gmock.h>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using testing::IsEmpty;

bool is_decided(GraphBuilder& b, const std::string& value) {
  return decided_values(b.graph())[static_cast<std::size_t>(b.value(value))];
}

TEST(DecidedValues, AreWhatIsMadeOfTheFoundOnes) {
  GraphBuilder b;
  b.input("x").conv("x", "c").node("NonZero", {"c"}, "where").node("GatherND", {"c", "where"}, "y");
  b.node("Relu", {"c"}, "r").output("y").output("r");
  for (const char* name : {"where", "y"}) EXPECT_TRUE(is_decided(b, name)) << name;
  for (const char* name : {"x", "c", "r"}) EXPECT_FALSE(is_decided(b, name)) << name;
}

TEST(DecidedValues, AreNotThoseThatShapesOrTheInputsThemselvesDecide) {
  GraphBuilder b;
  b.input("x").conv("x", "c").node("Shape", {"c"}, "s").node("ConstantOfShape", {"s"}, "zeros");
  b.node("NonZero", {"zeros"}, "all").node("NonZero", {"x"}, "given");
  b.node("Gather", {"c", "all"}, "y").output("y").output("given");
  for (const char* name : {"all", "given", "y"}) EXPECT_FALSE(is_decided(b, name)) << name;
}

// As in speech synthesis: so many frames as the sum of the lengths.
TEST(DecidedValues, AComputedLengthDecidesAndAGivenOneDoesNot) {
  GraphBuilder b;
  b.input("x").input("given").conv("x", "c").node("ReduceSum", {"c"}, "sum");
  b.constant("zero", Tensor::scalar(0.0f)).constant("one", Tensor::scalar(1.0f));
  b.node("Range", {"zero", "sum", "one"}, "frames").node("Range", {"zero", "given", "one"}, "all");
  b.node("Expand", {"c", "given"}, "wide").output("frames").output("all").output("wide");
  EXPECT_TRUE(is_decided(b, "frames"));
  EXPECT_FALSE(is_decided(b, "all"));
  EXPECT_FALSE(is_decided(b, "wide"));  // its data is computed, its shape is not
}

TEST(DecidedValues, ABodyThatReadsThemMakesMore) {
  GraphBuilder inner;
  inner.node("Neg", {"where"}, "negated").output("negated");
  GraphBuilder b;
  b.input("x").input("condition").conv("x", "c").node("NonZero", {"c"}, "where");
  inner.graph().add_capture({.outer = b.value("where"), .inner = inner.value("where")});
  Attributes bodies;
  bodies.set("then_branch", std::make_shared<const Graph>(inner.graph()));
  bodies.set("else_branch", std::make_shared<const Graph>(inner.graph()));
  b.node("If", {"condition"}, "y", bodies).output("y");
  EXPECT_TRUE(is_decided(b, "y"));
}

TEST(DecidingInputs, AreReadOnceAndComputed) {
  GraphBuilder b;
  b.input("x").conv("x", "boxes").conv("x", "scores").constant("many", Tensor::scalar(9.0f));
  b.node("NonMaxSuppression", {"boxes", "scores", "many"}, "kept");
  b.node("Gather", {"boxes", "kept"}, "y").output("y");
  const std::vector<NodeInput> inputs = deciding_inputs(b.graph());
  ASSERT_EQ(inputs.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(inputs[i].node, "kept_node");
    EXPECT_EQ(inputs[i].input, i);
  }
}

TEST(DecidingInputs, OutputsOfTheGraphAreComparedAnyway) {
  GraphBuilder b;
  b.input("x").conv("x", "c").node("NonZero", {"c"}, "y").output("y").output("c");
  EXPECT_THAT(deciding_inputs(b.graph()), IsEmpty());
}

}  // namespace
}  // namespace q8
