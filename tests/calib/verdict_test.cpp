#include <gmock/gmock.h>

#include <cfloat>

#include "calib/observers/observers.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

using testing::HasSubstr;

// Scores of attention within ±10, `masked` of 1000 with `mask` added.
TensorStatistics scores(float mask, int masked) {
  Numbers numbers(2);
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(static_cast<float>(numbers.bell() * 2.5) + (i < masked ? mask : 0.0f));
  return statistics_of(values);
}

RangeVerdict verdict_of(const TensorStatistics& statistics) {
  return judge_range(statistics, observe(statistics, {.name = "minmax"}), {});
}

TEST(Verdict, OrdinaryTensorsAreUsable) {
  EXPECT_TRUE(verdict_of(scores(0, 0)).usable);
  EXPECT_TRUE(verdict_of(statistics_of({0, 0, 0})).usable);
  EXPECT_TRUE(verdict_of(statistics_of({1, 1, 1})).usable);
  EXPECT_TRUE(verdict_of(statistics_of({})).usable);
}

TEST(Verdict, MasksAreNot) {
  EXPECT_FALSE(verdict_of(scores(-FLT_MAX, 3)).usable);
  EXPECT_FALSE(verdict_of(scores(-FLT_MAX, 500)).usable);
  EXPECT_THAT(verdict_of(scores(-10000.0f, 500)).reason, HasSubstr("mask"));
  EXPECT_THAT(verdict_of(scores(-10000.0f, 5)).reason, HasSubstr("drown"));
  TensorStatistics infinite = scores(0, 0);
  infinite.negative_infinities = 1;
  EXPECT_THAT(verdict_of(infinite).reason, HasSubstr("-inf"));
}

TEST(Verdict, AClippedRangeSavesTheBulk) {
  const TensorStatistics statistics = scores(-10000.0f, 1);
  EXPECT_FALSE(verdict_of(statistics).usable);
  EXPECT_TRUE(judge_range(statistics, {-10, 10}, {}).usable);
}

}  // namespace
}  // namespace q8
