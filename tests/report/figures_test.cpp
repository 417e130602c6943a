#include "report/figures.h"

#include <gtest/gtest.h>

namespace q8 {
namespace {

TEST(Figures, ZeroHasNoSign) {
  EXPECT_EQ(percent(-0.00001), "0.00 %");
  EXPECT_EQ(points(-0.00001), "0.00");
  EXPECT_EQ(percent(-0.0025), "−0.25 %");
  EXPECT_EQ(points(0.0025), "+0.25");
}

TEST(Figures, KilobytesEndAtAThousandAndTwentyFour) {
  EXPECT_EQ(byte_size(1024 * 1024 - 1024), "1023.0 KB");
  EXPECT_EQ(byte_size(1024 * 1024), "1.0 MB");
}

// 98.996 % and 99 % are both 99.00 % with two digits.
TEST(Figures, AFailedGateShowsWhy) {
  const Gate agreement{
      .name = "min-agreement", .value = 0.98996, .limit = 0.99, .unit = "share", .passed = false};
  EXPECT_EQ(gate_value(agreement), "98.996 %");
  EXPECT_EQ(gate_limit(agreement), "≥ 99.000 %");
  const Gate sqnr{.name = "min-sqnr", .value = 29.98, .limit = 30, .unit = "dB", .passed = false};
  EXPECT_EQ(gate_value(sqnr), "29.98 dB");
  EXPECT_EQ(gate_limit(sqnr), "≥ 30.00 dB");
}

TEST(Figures, AGateThatHoldsIsShort) {
  const Gate drop{
      .name = "max-drop", .value = 0.01, .limit = 0.01, .unit = "share", .passed = true};
  EXPECT_EQ(gate_value(drop), "1.00 %");
  EXPECT_EQ(gate_limit(drop), "≤ 1.00 %");
}

}  // namespace
}  // namespace q8
