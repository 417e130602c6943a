#include "calib/histogram.h"

#include <gmock/gmock.h>

#include <cfloat>
#include <cmath>

#include "base/error.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

using testing::ElementsAre;

Histogram histogram_of(std::span<const float> values) {
  return statistics_of(values).histogram;
}

TEST(Histogram, BinsMirrorAroundZero) {
  // Largest magnitude 4095.5: width 1 needs 4096 bins above zero; with one below, width 2.
  const Histogram one_sided = histogram_of(std::vector<float>{0.5f, 1.0f, 4095.5f});
  EXPECT_EQ(one_sided.exponent(), 0);
  EXPECT_EQ(one_sided.first(), 0);
  EXPECT_EQ(one_sided.counts()[0], 1u);
  EXPECT_EQ(one_sided.counts()[1], 1u);
  EXPECT_EQ(one_sided.counts()[4095], 1u);

  const Histogram two_sided = histogram_of(std::vector<float>{-0.5f, -2.0f, 2.0f, 4095.5f});
  EXPECT_EQ(two_sided.exponent(), 1);
  EXPECT_EQ(two_sided.first(), -2);
  EXPECT_EQ(two_sided.counts()[0], 1u);  // −2.0: [−4, −2] of width 2
  EXPECT_EQ(two_sided.counts()[1], 1u);  // −0.5
  EXPECT_EQ(two_sided.counts()[3], 1u);  // 2.0
  EXPECT_EQ(two_sided.lower_edge(0), -4.0);
}

TEST(Histogram, ZerosAreNotCounted) {
  EXPECT_TRUE(histogram_of(std::vector<float>{0.0f, -0.0f}).empty());
  EXPECT_THAT(histogram_of(std::vector<float>{0.0f, 1.0f, -0.0f}).counts(), ElementsAre(1u));
}

TEST(Histogram, ExtremeMagnitudesHaveBins) {
  const Histogram h = histogram_of(
      std::vector<float>{FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN, 1.0f, -1.0f});
  EXPECT_EQ(h.total(), 7u);
  EXPECT_LE(h.counts().size(), std::size_t{Histogram::kMaxBins});
  // 2^128 / 2^117: 2048 bins a side.
  EXPECT_EQ(h.exponent(), 117);
  EXPECT_EQ(h.counts()[2047], 2u);  // −2^-149 and −1: just below zero, not above
  EXPECT_EQ(h.counts()[2048], 3u);
  EXPECT_EQ(histogram_of(std::vector<float>{FLT_TRUE_MIN}).exponent(), Histogram::kMinExponent);
}

TEST(Histogram, MergingPartsInAnyOrderGivesTheHistogramOfTheWhole) {
  Numbers numbers(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<float> values;
    const std::size_t size = 1 + numbers.below(3000);
    for (std::size_t i = 0; i < size; ++i)
      values.push_back(
          static_cast<float>(std::ldexp(numbers.bell(), static_cast<int>(numbers.below(40)) - 20)));
    const Histogram whole = histogram_of(values);
    EXPECT_EQ(whole.total(), static_cast<std::uint64_t>(size));

    shuffle(values, numbers);
    std::vector<Histogram> parts;
    for (std::size_t begin = 0; begin < size;) {
      const std::size_t length = std::min(size - begin, 1 + numbers.below(size));
      parts.push_back(histogram_of(std::span(values).subspan(begin, length)));
      begin += length;
    }
    shuffle(parts, numbers);
    while (parts.size() > 1) {
      const std::size_t i = numbers.below(parts.size() - 1);
      parts[i].merge(parts[i + 1]);
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
    parts[0].trim();
    EXPECT_EQ(parts[0], whole) << "round " << round;
  }
}

TEST(Histogram, RefusesWhatCalibrationCannotMake) {
  EXPECT_NO_THROW(Histogram::restore(0, 4000, {1, 0, 2}));
  EXPECT_THROW(Histogram::restore(0, 4095, {1, 2}), Error);    // 4,097 bins from zero
  EXPECT_THROW(Histogram::restore(0, 10, {1, 2}), Error);      // far too wide bins
  EXPECT_THROW(Histogram::restore(0, 4000, {0, 2}), Error);    // not trimmed
  EXPECT_THROW(Histogram::restore(200, 4000, {1, 2}), Error);  // beyond float
}

}  // namespace
}  // namespace q8
