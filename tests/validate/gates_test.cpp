#include "validate/gates.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace q8 {
namespace {

using testing::HasSubstr;

// 200 samples: 180 right in FP32 (90 %), 176 in INT8 (88 %).
Validation labelled() {
  return {.samples = 200,
          .labelled = 200,
          .has_class_scores = true,
          .fp32 = Accuracy{.top1 = 0.90, .top5 = 1},
          .int8 = Accuracy{.top1 = 0.88, .top5 = 1},
          .agreement = 0.95,
          .sqnr_db = 25.5,
          .classes = {
              {.index = 0, .name = "cat", .samples = 100, .fp32_correct = 95, .int8_correct = 96},
              {.index = 1, .name = "dog", .samples = 100, .fp32_correct = 85, .int8_correct = 80}}};
}

TEST(Gates, DefaultIsAPointOfTop1) {
  const auto gates = judge(labelled(), {});
  ASSERT_EQ(gates.size(), 1u);
  EXPECT_EQ(gates[0].name, "max-drop");
  EXPECT_NEAR(gates[0].value, 0.02, 1e-12);
  EXPECT_EQ(gates[0].limit, 0.01);
  EXPECT_FALSE(gates[0].passed);
}

TEST(Gates, ADropOfExactlyTheLimitPasses) {
  // 0.90 − 0.88 is 0.020000000000000018 in doubles.
  EXPECT_TRUE(judge(labelled(), {.max_drop = 0.02})[0].passed);
  EXPECT_FALSE(judge(labelled(), {.max_drop = 0.0199})[0].passed);
}

TEST(Gates, AGainPassesAndALimitBelowZeroDemandsOne) {
  Validation better = labelled();
  better.int8->top1 = 0.91;
  EXPECT_TRUE(judge(better, {.max_drop = 0.0})[0].passed);
  EXPECT_TRUE(judge(better, {.max_drop = -0.01})[0].passed);
  EXPECT_FALSE(judge(better, {.max_drop = -0.02})[0].passed);
}

TEST(Gates, MinClassAccuracyIsOfTheWorstClass) {
  const auto gates = judge(labelled(), {.max_drop = 1.0, .min_class_accuracy = 0.81});
  ASSERT_EQ(gates.size(), 2u);
  EXPECT_EQ(gates[1].name, "min-class-accuracy");
  EXPECT_EQ(gates[1].value, 0.8);
  EXPECT_EQ(gates[1].subject, "dog");
  EXPECT_FALSE(gates[1].passed);
  EXPECT_TRUE(judge(labelled(), {.min_class_accuracy = 0.8})[1].passed);
}

TEST(Gates, AgreementAndSqnrNeedNoLabels) {
  const Validation plain = {
      .samples = 10, .has_class_scores = true, .agreement = 0.9, .sqnr_db = 20};
  const auto gates = judge(plain, {.min_agreement = 0.91, .min_sqnr_db = 19.9});
  ASSERT_EQ(gates.size(), 2u);
  EXPECT_FALSE(gates[0].passed);
  EXPECT_TRUE(gates[1].passed);
  EXPECT_EQ(gates[1].unit, "dB");
}

TEST(Gates, WithoutLabelsThereIsNoDefault) {
  EXPECT_TRUE(judge({.samples = 10}, {}).empty());
}

TEST(Gates, WithoutLabelsAnExplicitDropIsAnError) {
  try {
    judge({.samples = 10, .has_class_scores = true}, {.max_drop = 0.01});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("--max-drop needs labels"));
  }
  EXPECT_THROW(judge({.samples = 10}, {.min_class_accuracy = 0.5}), Error);
}

TEST(Gates, OfClassesNeedClassScores) {
  for (const GateLimits& limits : {GateLimits{.max_drop = 0.01}, GateLimits{.min_agreement = 0.5}})
    try {
      judge({.samples = 10, .labelled = 10}, limits);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("needs class scores"));
    }
}

}  // namespace
}  // namespace q8
