#include "plan/range_memo.h"

#include <gtest/gtest.h>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

// Of a profile where y holds something else, y is observed anew, however much is known of the old
// one; x, which is the same, is known.
TEST(RangeMemo, LearnsWhatIsTheSameInAnotherProfile) {
  CalibrationProfile before, after;
  before.tensors = {test::spread("x", 0, 2), test::spread("y", 0, 2)};
  after.tensors = {test::spread("x", 0, 2), test::spread("y", -5, 3)};
  RangeMemo old, memo;
  const ObserverSettings minmax{.name = "minmax"};
  for (const TensorStatistics& tensor : before.tensors) old.observe(tensor, minmax);
  memo.learn(old, before, after);
  const Range x = memo.observe(after.tensors[0], minmax).range;
  const Range y = memo.observe(after.tensors[1], minmax).range;
  EXPECT_NEAR(x.high, 2, 0.01);
  EXPECT_NEAR(y.low, -5, 0.01);
  EXPECT_NEAR(y.high, 3, 0.01);
}

}  // namespace
}  // namespace q8
