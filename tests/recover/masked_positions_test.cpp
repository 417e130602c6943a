#include <gmock/gmock.h>

#include "recover/column_rows.h"
#include "recover/input_statistics.h"
#include "recover/observe_values.h"
#include "recover/output_judge.h"
#include "recover/small_layers.h"

namespace q8 {
namespace {

using testing::ElementsAre;

// y = x · w over positions, x [1, length, 2], w = (0.3, 0.6) rounded to (0, 1); `kept` is 0 where a
// position is padding.
PlannedGraph masked_product() {
  test::GraphBuilder b;
  b.input("x").input("kept");
  b.graph().value(b.value("x")).type = {.dtype = DType::kF32,
                                        .dims = std::vector<std::int64_t>{1, kUnknownDim, 2},
                                        .dim_names = {"", "length", ""}};
  b.graph().value(b.value("kept")).type = {.dtype = DType::kS64,
                                           .dims = std::vector<std::int64_t>{1, kUnknownDim},
                                           .dim_names = {"", "length"}};
  b.constant("w", Tensor::of<float>(Shape{2, 1}, {0.3f, 0.6f}));
  b.node("MatMul", {"x", "w"}, "y").output("y");
  QuantizationPlan plan;
  plan.target = "tensorrt";
  plan.nodes = {
      {.node = "y_node", .op_type = "MatMul", .mode = NodeMode::kInteger, .reason = "the test"}};
  ActivationPlan& x = plan.activations["x"];
  x.params = test::per_tensor(DType::kU8, 1);
  x.range = {0, 255};
  x.observer = "minmax";
  ConstantPlan& w = plan.constants[{"y_node", 1}];
  w.value = "w";
  w.params = test::per_tensor(DType::kS8, 1);
  return {.graph = b.graph(), .plan = plan};
}

// Two positions that count and one that does not, with the largest values.
class MaskedPositions : public testing::Test {
 protected:
  const PlannedGraph model_ = masked_product();
  const std::vector<SampleInputs> samples_ = {
      {Tensor::of<float>(Shape{1, 3, 2}, {1, 2, 3, 4, 200, 100}),
       Tensor::of<std::int64_t>(Shape{1, 3}, {1, 1, 0})}};
  const RecoveryContext context_{.fit = samples_, .judge = samples_, .mask = "kept"};
};

TEST_F(MaskedPositions, AreNotLearnedFrom) {
  const auto layers = find_weighted_layers(model_.graph, model_.plan);
  const auto statistics =
      collect_input_statistics(model_.graph, layers, context_, {.gram = true, .what = "test"});
  EXPECT_EQ(statistics[0].rows, 2);
  EXPECT_THAT(statistics[0].sums, ElementsAre(4, 6));
  EXPECT_THAT(statistics[0].gram, ElementsAre(10, 14, 14, 20));
}

TEST_F(MaskedPositions, AreNotObserved) {
  const CalibrationProfile profile = observe_values(model_.graph, {"x"}, 1, context_);
  EXPECT_EQ(profile.tensors[0].count, 4u);
  EXPECT_EQ(profile.tensors[0].extrema, (Extrema{1, 4}));
}

TEST_F(MaskedPositions, AreInNoRows) {
  ChannelGroup group;
  group.readers = {{.layer = *describe_layer(model_.graph, 0), .channel_axis = -1}};
  const auto rows = collect_column_rows(model_.graph, {&group, 1}, context_);
  const ColumnRows& x = rows.begin()->second;
  EXPECT_THAT(x.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(x.extrema, ElementsAre(Extrema{1, 3}, Extrema{2, 4}));
}

// FP32 gives 1.5 and 3.3, INT8 2 and 4; at the padding it is 120 and 100.
TEST_F(MaskedPositions, AreNotJudgedBy) {
  const OutputJudge judge(model_.graph, context_);
  EXPECT_NEAR(judge.signal(), 1.5 * 1.5 + 3.3 * 3.3, 1e-5);
  const std::vector<double> noises = judge.noises(model_);
  ASSERT_EQ(noises.size(), 1u);
  EXPECT_NEAR(noises[0], 0.5 * 0.5 + 0.7 * 0.7, 1e-5);
}

TEST_F(MaskedPositions, CountWithoutAMask) {
  RecoveryContext context = context_;
  context.mask.clear();
  EXPECT_NEAR(OutputJudge(model_.graph, context).noises(model_)[0], 0.25 + 0.49 + 400, 1e-2);
}

}  // namespace
}  // namespace q8
