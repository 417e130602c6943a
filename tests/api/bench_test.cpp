#include "q8/bench.h"

#include <gmock/gmock.h>

#include "api/bench_inputs.h"
#include "base/error.h"

namespace q8 {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LatencyOf, MedianAndNearestRank) {
  std::vector<double> times;
  for (int i = 100; i >= 1; --i) times.push_back(i);  // 1…100
  const Latency latency = latency_of(times);
  EXPECT_EQ(latency.median, 50.5);
  EXPECT_EQ(latency.p90, 90);
  EXPECT_EQ(latency.p99, 99);
  EXPECT_EQ(latency.least, 1);
  EXPECT_EQ(latency.mean, 50.5);
}

TEST(LatencyOf, OneRunIsEverything) {
  const Latency latency = latency_of({7});
  EXPECT_EQ(latency.median, 7);
  EXPECT_EQ(latency.p90, 7);
  EXPECT_EQ(latency.p99, 7);
}

TEST(LatencyOf, NoRunsAreAnError) {
  EXPECT_THROW(latency_of({}), Error);
}

// image: float [?, 1, 2, ?]; ids: int64 [?, 4]; fixed: float [2, 3].
Graph three_inputs() {
  Graph graph;
  const auto input = [&](const char* name, DType dtype, std::vector<std::int64_t> dims) {
    const ValueId id = graph.add_value(name);
    graph.value(id).type = {.dtype = dtype, .dims = std::move(dims), .dim_names = {}};
    graph.add_input(id);
  };
  input("image", DType::kF32, {kUnknownDim, 1, 2, kUnknownDim});
  input("ids", DType::kS64, {kUnknownDim, 4});
  input("fixed", DType::kF32, {2, 3});
  return graph;
}

std::string message_of(const BenchJob& job) {
  try {
    bench_inputs(three_inputs(), job);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return {};
}

TEST(BenchInputs, OpenDimensionsAreOne) {
  const auto inputs = bench_inputs(three_inputs(), {});
  ASSERT_EQ(inputs.size(), 3u);
  EXPECT_EQ(inputs[0].shape(), (Shape{1, 1, 2, 1}));
  EXPECT_EQ(inputs[1].shape(), (Shape{1, 4}));
  EXPECT_EQ(inputs[1].to_int64s(), (std::vector<std::int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(inputs[2].shape(), (Shape{2, 3}));
  for (const float value : inputs[2].to_floats()) {
    EXPECT_GE(value, 0);
    EXPECT_LT(value, 1);
  }
}

TEST(BenchInputs, AreTheSameEachTime) {
  EXPECT_EQ(bench_inputs(three_inputs(), {})[2].to_floats(),
            bench_inputs(three_inputs(), {})[2].to_floats());
}

TEST(BenchInputs, ShapesAreByName) {
  const BenchJob job{.shapes = {{"image", {5, 1, 2, 7}}}};
  EXPECT_EQ(bench_inputs(three_inputs(), job)[0].shape(), (Shape{5, 1, 2, 7}));
}

TEST(BenchInputs, WrongShapesAreNamed) {
  EXPECT_THAT(message_of({.shapes = {{"picture", {1}}}}), HasSubstr("picture"));
  EXPECT_THAT(message_of({.shapes = {{"image", {1, 3, 2, 7}}}}), HasSubstr("image"));
  EXPECT_THAT(message_of({.shapes = {{"image", {1, 1, 2}}}}), HasSubstr("image"));
}

TEST(BenchInputs, AFixedBatchIsNotChanged) {
  EXPECT_THAT(message_of({.batch = 8}), HasSubstr("'fixed' has a fixed batch of 2"));
  EXPECT_EQ(bench_inputs(three_inputs(), {.batch = 2})[0].shape()[0], 2);
}

std::string text_of(double fp32_ms, double int8_ms) {
  BenchResult result;
  result.fp32.latency_ms.median = fp32_ms;
  result.int8.emplace().latency_ms.median = int8_ms;
  result.speedup = fp32_ms / int8_ms;
  return bench_text(result);
}

TEST(BenchText, SaysWhereInt8IsSlower) {
  EXPECT_THAT(text_of(0.8, 1.0), HasSubstr("INT8 is slower than FP32 here"));
  EXPECT_THAT(text_of(1.0, 0.8), Not(HasSubstr("slower")));
  EXPECT_THAT(text_of(0.99, 1.0), Not(HasSubstr("slower")));  // level
}

}  // namespace
}  // namespace q8
