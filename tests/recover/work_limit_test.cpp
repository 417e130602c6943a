#include "recover/work_limit.h"

#include <gtest/gtest.h>

namespace q8 {
namespace {

// 100 samples of 2 + 4 values: 60 values are those of ten runs.
TEST(WorkLimit, CountsTheValuesOfASample) {
  CalibrationProfile profile;
  profile.tensors.resize(2);
  profile.tensors[0].count = 200;
  profile.tensors[1].count = 400;
  profile.samples.resize(100);
  EXPECT_EQ(runs_within(60, profile), 10u);
  EXPECT_EQ(runs_within(5, profile), 0u);
}

TEST(WorkLimit, IsFiniteWhereNothingWasSeen) {
  EXPECT_EQ(runs_within(1e10, {}), 1'000'000u);
}

}  // namespace
}  // namespace q8
