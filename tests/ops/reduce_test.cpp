#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;

// [2, 3, 2]: 0 … 11
Tensor cube() {
  return Tensor::of<float>({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

Tensor reduced(const char* type, const Tensor& x, std::vector<std::int64_t> axes,
               std::int64_t keep = 0) {
  return run_node(
      {.type = type, .attributes = attribute_list({{"axes", axes}, {"keepdims", keep}})}, {&x})[0];
}

TEST(Reduce, EveryPositionOfTheAxes) {
  EXPECT_THAT(reduced("ReduceSum", cube(), {2}).values<float>(), ElementsAre(1, 5, 9, 13, 17, 21));
  EXPECT_THAT(reduced("ReduceSum", cube(), {1}).values<float>(), ElementsAre(6, 9, 24, 27));
  EXPECT_THAT(reduced("ReduceSum", cube(), {0}).values<float>(), ElementsAre(6, 8, 10, 12, 14, 16));
  EXPECT_THAT(reduced("ReduceSum", cube(), {0, 2}).values<float>(), ElementsAre(14, 22, 30));
  EXPECT_EQ(reduced("ReduceSum", cube(), {0, -1}, 1).shape(), Shape({1, 3, 1}));
}

TEST(Reduce, NothingLeftGivesTheNeutralElement) {
  const Tensor x = Tensor::of<float>({2, 0}, {});
  EXPECT_THAT(reduced("ReduceSum", x, {1}).values<float>(), ElementsAre(0, 0));
  EXPECT_THAT(reduced("ReduceProd", x, {1}).values<float>(), ElementsAre(1, 1));
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(reduced("ReduceMax", x, {1}).values<float>(), ElementsAre(-inf, -inf));
}

TEST(Reduce, LogSumExpDoesNotOverflow) {
  const Tensor x = Tensor::of<float>({2}, {1000, 1000});
  EXPECT_FLOAT_EQ(*reduced("ReduceLogSumExp", x, {0}).data<float>(), 1000.693147f);  // + ln 2
}

TEST(Reduce, LongSumsStayAccurate) {
  Tensor x(DType::kF32, Shape{1, 1 << 22});
  std::fill_n(x.mutable_data<float>(), x.size(), 0.1f);
  // 2^22 · 0.1f, 0.1f being 0.100000001490116…; a float accumulator would be off in the third digit
  EXPECT_FLOAT_EQ(*reduced("ReduceSum", x, {1}).data<float>(), 419430.40625f);
}

TEST(Reduce, EmptyAxesWithNoopReduceNothing) {
  const Tensor x = Tensor::of<float>({2}, {-3, 4});
  const Tensor y =
      run_node({.type = "ReduceSumSquare",
                .attributes = attribute_list({{"noop_with_empty_axes", std::int64_t{1}}})},
               {&x})[0];
  EXPECT_THAT(y.values<float>(), ElementsAre(9, 16));  // over an empty set of axes
}

TEST(ArgMax, TiesAndNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::of<float>({2, 4}, {1, 7, 7, 2, 5, nan, 9, nan});
  const auto places = [&](std::int64_t last) {
    return values_of<std::int64_t>(
        run_node({.type = "ArgMax",
                  .attributes = attribute_list({{"axis", std::int64_t{1}},
                                                {"keepdims", std::int64_t{0}},
                                                {"select_last_index", last}})},
                 {&x})[0]);
  };
  EXPECT_THAT(places(0), ElementsAre(1, 1));
  EXPECT_THAT(places(1), ElementsAre(2, 1));
}

TEST(TopK, EqualValuesInTheOrderOfTheirIndices) {
  const Tensor x = Tensor::of<float>({5}, {3, 9, 3, 9, 1});
  const Tensor k = Tensor::of<std::int64_t>({1}, {3});
  const auto y = run_node({.type = "TopK", .outputs = 2}, {&x, &k});
  EXPECT_THAT(y[0].values<float>(), ElementsAre(9, 9, 3));
  EXPECT_THAT(y[1].values<std::int64_t>(), ElementsAre(1, 3, 0));
}

TEST(CumSum, ExclusiveAndReverse) {
  const Tensor x = Tensor::of<std::int32_t>({3}, {1, 2, 4});
  const Tensor axis = Tensor::scalar<std::int32_t>(0);
  const Tensor y = run_node({.type = "CumSum",
                             .attributes = attribute_list(
                                 {{"exclusive", std::int64_t{1}}, {"reverse", std::int64_t{1}}})},
                            {&x, &axis})[0];
  EXPECT_THAT(y.values<std::int32_t>(), ElementsAre(6, 4, 0));
}

}  // namespace
}  // namespace q8
