#include "recover/choose_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "plan/range_memo.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

// y = x · w, x [1, 4]. The profile saw x evenly spread in −1…1, and one 60 among a hundred thousand
// values: min-max has steps of 0.24, whoever clips has steps of 1/128 and loses the 60.
class OneOutlier {
 public:
  OneOutlier() {
    test::GraphBuilder b;
    b.input("x").constant("w", Tensor::of<float>(Shape{4, 1}, {1.0f, -0.5f, 0.25f, 0.75f}));
    b.node("MatMul", {"x", "w"}, "y").output("y");
    graph = b.graph();
    TensorStatistics x = test::spread("x", -1.0f, 1.0f);
    while (x.count < 100000) x.merge(x);
    TensorStatistics outlier;
    outlier.name = "x";
    outlier.count = 1;
    outlier.extrema = {60, 60};
    outlier.histogram.cover(60, 60);
    const std::uint64_t one[] = {1};
    const auto counts = outlier.histogram.counts();
    outlier.histogram.add_counts(
        outlier.histogram.first() + static_cast<std::int32_t>(counts.size()) - 1, one);
    x.merge(outlier);
    profile.tensors = {x, test::spread("y", -2.5f, 2.5f)};
    profile.samples.resize(1000);
  }

  RangeChoice choose(std::span<const SampleInputs> judge, int threads = 1,
                     const PlanConfig& config = {},
                     const QuantizationPlan* rounded = nullptr) const {
    RangeMemo memo;
    const PlanSource source{profile, config, target, memo};
    return choose_ranges(
        graph, source,
        {.judge = judge, .rounded = rounded, .machine = {.threads = threads, .keep = {}}});
  }
  double high(const RangeChoice& choice) const {
    return choice.plan.find_activation("x")->range.high;
  }

  Graph graph;
  CalibrationProfile profile;
  const Target& target = find_target("onnxruntime-x86");
};

// Values from 0 to `largest`.
std::vector<SampleInputs> samples_up_to(float largest) {
  std::vector<SampleInputs> samples;
  for (int i = 0; i < 12; ++i) {
    const float t = largest * static_cast<float>(i % 7) / 6;
    samples.push_back({Tensor::of<float>(Shape{1, 4}, {t, 0.9f * t, 0.1f, 0.37f * t})});
  }
  return samples;
}

TEST(ChooseRanges, ClipsWhatTheSamplesDoNotReach) {
  const OneOutlier model;
  const std::vector<SampleInputs> samples = samples_up_to(0.97f);
  EXPECT_LT(model.high(model.choose(samples)), 2);
}

TEST(ChooseRanges, KeepsTailsThatTheSamplesLiveOn) {
  const OneOutlier model;
  const std::vector<SampleInputs> samples = samples_up_to(60);
  EXPECT_GT(model.high(model.choose(samples)), 59);
}

TEST(ChooseRanges, IsTheSameForAnyThreads) {
  const OneOutlier model;
  const std::vector<SampleInputs> samples = samples_up_to(0.5f);
  const RangeChoice one = model.choose(samples, 1), two = model.choose(samples, 2);
  EXPECT_EQ(describe(one.plan), describe(two.plan));
  EXPECT_EQ(one.sqnr_db, two.sqnr_db);
}

TEST(ChooseRanges, TheChoiceMakesThePlanAgain) {
  const OneOutlier model;
  const std::vector<SampleInputs> samples = samples_up_to(0.97f);
  const RangeChoice choice = model.choose(samples);
  EXPECT_EQ(describe(make_plan(model.graph, model.profile, choice.config,
                               find_target("onnxruntime-x86"))),
            describe(choice.plan));
}

TEST(ChooseRanges, WhatIsAskedForSingleValuesStays) {
  const OneOutlier model;
  PlanConfig config;
  config.observer_for = {{.pattern = "x", .observer = "minmax"}};
  const std::vector<SampleInputs> samples = samples_up_to(0.97f);
  EXPECT_EQ(model.high(model.choose(samples, 1, config)), 60);
}

TEST(ChooseRanges, TrialsHaveTheRoundedWeights) {
  const OneOutlier model;
  const std::vector<SampleInputs> samples = samples_up_to(0.97f);
  QuantizationPlan rounded = make_plan(model.graph, model.profile, {}, model.target);
  Tensor integers(DType::kS8, Shape{4, 1});  // none of them near its weight
  std::ranges::fill_n(integers.mutable_data<std::int8_t>(), 4, std::int8_t{5});
  for (auto& [place, constant] : rounded.constants) constant.integers = integers;
  const RangeChoice choice = model.choose(samples, 1, {}, &rounded);
  EXPECT_LT(choice.sqnr_db, 20);
  EXPECT_GT(model.choose(samples).sqnr_db, 30);
  for (const auto& [place, constant] : choice.plan.constants) EXPECT_FALSE(constant.integers);
}

TEST(ChooseRanges, NeedsASample) {
  EXPECT_THROW(OneOutlier().choose({}), Error);
}

}  // namespace
}  // namespace q8
