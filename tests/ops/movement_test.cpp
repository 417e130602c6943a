#include <gmock/gmock.h>

#include <algorithm>

#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

Tensor ints(std::initializer_list<std::int64_t> list) {
  return Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(list.size())}, list);
}

// Every order of the axes of [2, 3, 1, 5] against y[i…] = x[permuted i…].
TEST(Transpose, EveryPermutationOfFourAxes) {
  const Shape shape{2, 3, 1, 5};
  Tensor x(DType::kS16, shape);
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.mutable_data<std::int16_t>()[i] = static_cast<std::int16_t>(i);
  Ints order{0, 1, 2, 3};
  do {
    const Tensor y =
        run_node({.type = "Transpose", .attributes = attribute_list({{"perm", order}})}, {&x})[0];
    for (std::int64_t i = 0; i < y.size(); ++i) {
      std::int64_t rest = i, place = 0;
      for (std::int64_t a = 4; a-- > 0; rest /= y.shape()[a])
        place +=
            rest % y.shape()[a] * shape.count(order[static_cast<std::size_t>(a)] + 1, shape.rank());
      ASSERT_EQ(y.data<std::int16_t>()[i], place);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

// As attention turns its heads: bytes of one head stay together.
TEST(Transpose, RunsOfAnyLength) {
  for (const std::int64_t run : {1, 15, 16, 17, 32, 64, 128, 200}) {
    Tensor x(DType::kU8, Shape{5, 3, run});
    for (std::int64_t i = 0; i < x.size(); ++i)
      x.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 7);
    const Tensor y = run_node(
        {.type = "Transpose", .attributes = attribute_list({{"perm", Ints{1, 0, 2}}})}, {&x})[0];
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t head = i / run / 5, token = i / run % 5;
      ASSERT_EQ(y.data<std::uint8_t>()[i],
                static_cast<std::uint8_t>(((token * 3 + head) * run + i % run) * 7))
          << run;
    }
  }
}

TEST(Transpose, LargeMatrixOverThreads) {
  Tensor x(DType::kF32, Shape{3, 331, 257});
  for (std::int64_t i = 0; i < x.size(); ++i) x.mutable_data<float>()[i] = static_cast<float>(i);
  const Tensor y = run_node(
      {.type = "Transpose", .attributes = attribute_list({{"perm", Ints{0, 2, 1}}}), .threads = 4},
      {&x})[0];
  for (std::int64_t b = 0; b < 3; ++b)
    for (std::int64_t r = 0; r < 331; ++r)
      for (std::int64_t c = 0; c < 257; ++c)
        ASSERT_EQ(y.data<float>()[(b * 257 + c) * 331 + r],
                  static_cast<float>((b * 331 + r) * 257 + c));
}

TEST(Reshape, ZeroCopiesAndMinusOneTakesTheRest) {
  const Tensor x = Tensor::of<float>({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Tensor shape = ints({0, -1});
  EXPECT_EQ(run_node({.type = "Reshape"}, {&x, &shape})[0].shape(), Shape({2, 6}));
  const Tensor wrong = ints({5, -1});
  EXPECT_THROW(run_node({.type = "Reshape"}, {&x, &wrong}), Error);
}

TEST(Slice, NegativeStepsAndEndsBeyondTheAxis) {
  const Tensor x = Tensor::of<std::uint8_t>({5}, {0, 1, 2, 3, 4});
  const Tensor start = ints({-1}), end = ints({INT64_MIN}), axes = ints({0}), step = ints({-2});
  const Tensor y = run_node({.type = "Slice"}, {&x, &start, &end, &axes, &step})[0];
  EXPECT_THAT(y.values<std::uint8_t>(), ElementsAre(4, 2, 0));
}

TEST(Slice, AttributesOfOldOpsets) {
  const Tensor x = Tensor::of<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor y = run_node(
      {.type = "Slice",
       .attributes = attribute_list({{"starts", Ints{1}}, {"ends", Ints{1000}}, {"axes", Ints{1}}}),
       .opset = 9},
      {&x})[0];
  EXPECT_EQ(y.shape(), Shape({2, 2}));
  EXPECT_THAT(y.values<float>(), ElementsAre(1, 2, 4, 5));
}

TEST(Split, UnevenPartsByNumberOfOutputs) {
  const Tensor x = Tensor::of<float>({5}, {0, 1, 2, 3, 4});
  const auto y = run_node({.type = "Split",
                           .attributes = attribute_list({{"num_outputs", std::int64_t{2}}}),
                           .outputs = 2},
                          {&x});
  EXPECT_THAT(y[0].values<float>(), ElementsAre(0, 1, 2));
  EXPECT_THAT(y[1].values<float>(), ElementsAre(3, 4));
}

TEST(Pad, ReflectFurtherThanTheAxisIsLong) {
  const Tensor x = Tensor::of<float>({3}, {1, 2, 3}), pads = ints({5, 0});
  const Tensor y =
      run_node({.type = "Pad", .attributes = attribute_list({{"mode", std::string("reflect")}})},
               {&x, &pads})[0];
  EXPECT_THAT(y.values<float>(), ElementsAre(2, 1, 2, 3, 2, 1, 2, 3));  // as numpy.pad
}

TEST(Pad, NegativePadsCut) {
  const Tensor x = Tensor::of<float>({4}, {1, 2, 3, 4}), pads = ints({-1, 1});
  EXPECT_THAT(run_node({.type = "Pad"}, {&x, &pads})[0].values<float>(), ElementsAre(2, 3, 4, 0));
}

TEST(Tile, RepeatsEveryAxis) {
  const Tensor x = Tensor::of<std::int8_t>({2, 1}, {1, 2}), repeats = ints({2, 3});
  EXPECT_THAT(run_node({.type = "Tile"}, {&x, &repeats})[0].values<std::int8_t>(),
              ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
}

TEST(Gather, NegativeIndicesAndTheirLimits) {
  const Tensor x = Tensor::of<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor good = ints({-1, 0}), bad = ints({3});
  const Attributes axis = attribute_list({{"axis", std::int64_t{1}}});
  const auto y = run_node({.type = "Gather", .attributes = axis}, {&x, &good});
  EXPECT_THAT(y[0].values<float>(), ElementsAre(2, 0, 5, 3));
  EXPECT_THROW(run_node({.type = "Gather", .attributes = axis}, {&x, &bad}), Error);
}

TEST(ScatterND, AddsTwiceToTheSamePlace) {
  const Tensor x = Tensor::of<float>({3}, {1, 1, 1});
  const Tensor at = Tensor::of<std::int64_t>({2, 1}, {2, 2});
  const Tensor updates = Tensor::of<float>({2}, {10, 20});
  const auto y = run_node(
      {.type = "ScatterND", .attributes = attribute_list({{"reduction", std::string("add")}})},
      {&x, &at, &updates});
  EXPECT_THAT(y[0].values<float>(), ElementsAre(1, 1, 31));
}

}  // namespace
}  // namespace q8
