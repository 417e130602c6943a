#include "recover/choose_by_folds.h"

#include <gtest/gtest.h>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

// y = x · w, x [1, 2]. One half of the samples reaches 1, the other 8. A range made of the former
// clips the latter.
class TwoHalves {
 public:
  TwoHalves() {
    test::GraphBuilder b;
    b.input("x").constant("w", Tensor::of<float>(Shape{2, 1}, {1.0f, -0.5f}));
    b.node("MatMul", {"x", "w"}, "y").output("y");
    graph = b.graph();
    small = profile_up_to(1);
    large = profile_up_to(8);
    for (int i = 0; i < 8; ++i) {
      const float t = static_cast<float>(i) / 7;
      low.push_back({Tensor::of<float>(Shape{1, 2}, {t, 0.3f * t})});
      high.push_back({Tensor::of<float>(Shape{1, 2}, {8 * t, 2.4f * t})});
    }
  }

  static CalibrationProfile profile_up_to(float largest) {
    CalibrationProfile profile;
    profile.tensors = {test::spread("x", 0, largest), test::spread("y", 0, largest)};
    profile.samples.resize(8);
    return profile;
  }
  RangeChoice choose(std::span<const Fold> folds) const {
    return choose_by_folds(graph, large, {}, find_target("onnxruntime-x86"), folds,
                           {.machine = {.threads = 1, .keep = {}}});
  }

  Graph graph;
  CalibrationProfile small, large;
  std::vector<SampleInputs> low, high;
};

// Where each half is judged by its own range, x has 255 steps: beyond 50 dB. Where the range of the
// small one judges the large one, most of it is clipped away.
TEST(ChooseByFolds, JudgesSamplesByRangesOfOthers) {
  const TwoHalves model;
  const std::vector<Fold> own = {{model.small, model.low}, {model.large, model.high}};
  const std::vector<Fold> other = {{model.large, model.low}, {model.small, model.high}};
  EXPECT_GT(model.choose(own).sqnr_db, 40);
  EXPECT_LT(model.choose(other).sqnr_db, 3);
}

// Of each fold two samples, where a run takes more than all trials together may.
TEST(ChooseByFolds, HoldsToItsWork) {
  TwoHalves model;
  for (TensorStatistics& tensor : model.large.tensors) tensor.count = 1'000'000'000'000;
  const std::vector<Fold> folds = {{model.small, model.low}, {model.large, model.high}};
  EXPECT_EQ(model.choose(folds).samples, 4u);
}

TEST(ChooseByFolds, PlansWithTheWholeProfile) {
  const TwoHalves model;
  const std::vector<Fold> folds = {{model.small, model.low}};
  const RangeChoice choice = model.choose(folds);
  EXPECT_EQ(choice.samples, 8u);
  EXPECT_GT(choice.plan.find_activation("x")->range.high, 6);
}

}  // namespace
}  // namespace q8
