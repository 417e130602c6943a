#include "calib/collector.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/isa.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> numbers_with_zeros(std::size_t size) {
  Numbers numbers(3);
  std::vector<float> values;
  for (std::size_t i = 0; i < size; ++i)
    values.push_back(numbers.uniform() < 0.3 ? 0.0f : static_cast<float>(numbers.bell()));
  return values;
}

TensorStatistics collect(const ValueBlock& block, int thread_count, Isa isa) {
  Threads threads(thread_count);
  StatisticsCollector collector(threads, isa);
  TensorStatistics statistics;
  EXPECT_EQ(collector.add(block, statistics).oddity, Oddity::kNone);
  return statistics;
}

// The plain loop.
TensorStatistics expected(const ValueBlock& block) {
  TensorStatistics s;
  for (std::int64_t i = 0; i < block.size(); ++i) {
    const float x = block.data[i];
    ++s.count;
    if (x == 0) ++s.zeros;
    s.extrema.include({x + 0.0f, x + 0.0f});
    if (block.channels == 0) continue;
    s.channels.state = ChannelExtrema::State::kKept;
    s.channels.axis = block.channel_axis;
    s.channels.channels.resize(static_cast<std::size_t>(block.channels));
    s.channels.channels[static_cast<std::size_t>(i / block.inner % block.channels)].include(
        {x + 0.0f, x + 0.0f});
  }
  return s;
}

TEST(Collector, EveryIsaAndThreadCountAgreesWithAPlainLoop) {
  const std::vector<float> values = numbers_with_zeros(3 * 65 * 1000);
  for (const auto& [outer, channels, inner] :
       std::vector<std::array<std::int64_t, 3>>{{1, 0, 1},
                                                {1, 0, 257},
                                                {1, 0, 195000},
                                                {3, 65, 1000},
                                                {1, 65, 3000},
                                                {1000, 195, 1},
                                                {1, 17, 1},
                                                {100, 3, 31},
                                                {5, 1, 33}}) {
    const ValueBlock block{.data = values.data(),
                           .outer = outer,
                           .channels = channels,
                           .inner = inner,
                           .channel_axis = 1};
    TensorStatistics want = expected(block);
    want.histogram =
        statistics_of(std::span(values).first(static_cast<std::size_t>(block.size()))).histogram;
    for (const Isa isa : all_isas()) {
      if (!cpu_has(isa)) continue;
      for (const int threads : {1, 2, 3, 7}) {
        TensorStatistics got = collect(block, threads, isa);
        got.histogram.trim();
        EXPECT_EQ(got, want) << isa_name(isa) << ", " << threads << " threads, block " << outer
                             << "x" << channels << "x" << inner;
      }
    }
  }
}

// Samples that fit into the bins of those before, and samples that do not.
TEST(Collector, LaterSamplesCountAsOneOfThemAll) {
  const std::vector<float> values = numbers_with_zeros(65 * 2000);
  std::vector<float> all;
  for (const float scale : {1.0f, 0.7f, 5.0f, -0.01f})
    for (const float x : values) all.push_back(scale * x);
  for (const auto& [outer, channels, inner] : std::vector<std::array<std::int64_t, 3>>{
           {1, 0, 130000}, {1, 65, 2000}, {2000, 65, 1}, {200, 50, 13}}) {
    const ValueBlock whole{
        .data = all.data(), .outer = 4 * outer, .channels = channels, .inner = inner};
    for (const Isa isa : all_isas()) {
      if (!cpu_has(isa)) continue;
      Threads threads(2);
      StatisticsCollector collector(threads, isa);
      TensorStatistics got;
      for (std::size_t part = 0; part < 4; ++part) {
        ValueBlock block = whole;
        block.data = all.data() + part * values.size();
        block.outer = outer;
        collector.add(block, got);
      }
      TensorStatistics want = collect(whole, 1, Isa::kScalar);
      got.histogram.trim();
      want.histogram.trim();
      EXPECT_EQ(got.count, want.count);
      EXPECT_EQ(got.zeros, want.zeros);
      EXPECT_EQ(got.extrema, want.extrema);
      EXPECT_EQ(got.histogram, want.histogram) << isa_name(isa) << ", inner " << inner;
      std::uint64_t zeros = 0;
      for (const float x : all) zeros += x == 0 ? 1 : 0;
      EXPECT_EQ(got.zeros, zeros);
      EXPECT_EQ(got.histogram.total(), all.size() - zeros);
    }
  }
}

// As a resumed profile has it: its bins do not reach down to zero.
TEST(Collector, ZerosAfterATrimmedHistogram) {
  const std::vector<float> far(5000, 100.0f), zeros(5000);
  Threads threads(1);
  StatisticsCollector collector(threads, best_isa());
  TensorStatistics s;
  collector.add({.data = far.data(), .inner = 5000}, s);
  s.histogram.trim();
  collector.add({.data = zeros.data(), .inner = 5000}, s);
  EXPECT_EQ(s.count, 10000u);
  EXPECT_EQ(s.zeros, 5000u);
  EXPECT_EQ(s.histogram.total(), 5000u);
}

TEST(Collector, WhatIsNotFiniteAmongLaterSamplesChangesNothing) {
  std::vector<float> values = numbers_with_zeros(65 * 2000);
  for (const std::int64_t channels : {std::int64_t{0}, std::int64_t{65}})
    for (const float odd : {kNaN, kInfinity, -kInfinity}) {
      Threads threads(2);
      StatisticsCollector collector(threads, best_isa());
      const ValueBlock block{.data = values.data(),
                             .outer = channels > 0 ? 2000 : 1,
                             .channels = channels,
                             .inner = channels > 0 ? 1 : 130000};
      TensorStatistics statistics;
      collector.add(block, statistics);
      const TensorStatistics before = statistics;
      std::vector<float> spoiled = values;
      spoiled[100000] = odd;
      ValueBlock again = block;
      again.data = spoiled.data();
      EXPECT_NE(collector.add(again, statistics).oddity, Oddity::kNone);
      EXPECT_EQ(statistics, before);
      collector.add(block, statistics);  // and nothing of it is left over
      EXPECT_EQ(statistics.histogram.total(), 2 * before.histogram.total());
    }
}

TEST(Collector, TellsWhatIsNotFiniteAndChangesNothing) {
  Threads threads(2);
  StatisticsCollector collector(threads, best_isa());
  for (const auto& [odd, oddity] : {std::pair{kNaN, Oddity::kNaN},
                                    {kInfinity, Oddity::kPositiveInfinity},
                                    {-kInfinity, Oddity::kNegativeInfinity}}) {
    for (const std::size_t size : {1u, 9u, 17u, 50000u}) {
      for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
        std::vector<float> values(size, 1.0f);
        values[place] = odd;
        TensorStatistics s;
        const ValueBlock block{.data = values.data(), .inner = std::ssize(values)};
        EXPECT_EQ(collector.add(block, s).oddity, oddity);
        EXPECT_EQ(s, TensorStatistics());
      }
    }
  }
}

TEST(Collector, CountsNegativeInfinitiesApartWhereTheyMayBe) {
  Threads threads(1);
  StatisticsCollector collector(threads, best_isa());
  TensorStatistics s;
  EXPECT_EQ(collector.add_with_infinities(std::vector<float>{-kInfinity, 2, 0, -1}, s).oddity,
            Oddity::kNone);
  EXPECT_EQ(s.count, 3u);
  EXPECT_EQ(s.negative_infinities, 1u);
  EXPECT_EQ(s.extrema, (Extrema{-1, 2}));
  EXPECT_EQ(collector.add_with_infinities(std::vector<float>{kNaN}, s).oddity, Oddity::kNaN);
}

}  // namespace
}  // namespace q8
