#include "recover/output_judge.h"

#include <gmock/gmock.h>

#include "recover/small_layers.h"

namespace q8 {
namespace {

using testing::DoubleNear;
using testing::Each;

// coarse_gemm() without its output: y = 0.3·a + 0.6·b + 1 in float, b + 1 in integers.
PlannedGraph product_of(const std::string& reader, const std::vector<std::string>& outputs) {
  PlannedGraph model = test::coarse_gemm();
  test::GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 1}, {0.3f, 0.6f}));
  b.constant("b", Tensor::of<float>(Shape{1}, {1.0f})).node("Gemm", {"x", "w", "b"}, "y");
  b.node(reader, {"y"}, "found");
  for (const std::string& name : outputs) b.output(name);
  model.graph = b.graph();
  return model;
}

// For (3, 1) y is 2.5 and 2; for (1, 2) it is 2.5 and 3.
const std::vector<SampleInputs> kSamples = {test::row(3, 1), test::row(1, 2)};

// y is never zero, so NonZero gives the same; what it reads is half a unit off.
TEST(OutputJudge, JudgesWhatDecidesInThePlaceOfWhatIsDecided) {
  const PlannedGraph model = product_of("NonZero", {"found"});
  const RecoveryContext context{.judge = kSamples};
  const OutputJudge judge(model.graph, context);
  EXPECT_NEAR(judge.signal(), 2 * 2.5 * 2.5, 1e-5);
  EXPECT_THAT(judge.noises(model), Each(DoubleNear(0.25, 1e-5)));
}

// What both branches make of y is all that can be judged, although y decides which one runs.
TEST(OutputJudge, ABranchThatIsTheOnlyOutputCounts) {
  PlannedGraph model = test::coarse_gemm();
  test::GraphBuilder branch;
  branch.node("Neg", {"y"}, "negated").output("negated");
  test::GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 1}, {0.3f, 0.6f}));
  b.constant("b", Tensor::of<float>(Shape{1}, {1.0f})).node("Gemm", {"x", "w", "b"}, "y");
  branch.graph().add_capture({.outer = b.value("y"), .inner = branch.value("y")});
  Attributes bodies;
  for (const char* name : {"then_branch", "else_branch"})
    bodies.set(name, std::make_shared<const Graph>(branch.graph()));
  b.constant("zero", Tensor::scalar(0.0f)).node("Greater", {"y", "zero"}, "condition");
  b.node("If", {"condition"}, "z", bodies).output("z");
  model.graph = b.graph();
  const RecoveryContext context{.judge = kSamples};
  const OutputJudge judge(model.graph, context);
  EXPECT_THAT(judge.noises(model), Each(DoubleNear(0.25, 1e-5)));
}

// (1, 1): y is 1.9. Its shape (1, 1) would add 2 to the signal.
TEST(OutputJudge, IntegersCountOnlyWhereThereIsNothingElse) {
  const std::vector<SampleInputs> one = {test::row(1, 1)};
  const PlannedGraph with_floats = product_of("Shape", {"y", "found"});
  EXPECT_NEAR(OutputJudge(with_floats.graph, {.judge = one}).signal(), 1.9 * 1.9, 1e-6);
  const PlannedGraph alone = product_of("Shape", {"found"});
  EXPECT_EQ(OutputJudge(alone.graph, {.judge = one}).signal(), 2);
}

}  // namespace
}  // namespace q8
