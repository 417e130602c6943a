#include "recover/input_statistics.h"

#include <gmock/gmock.h>

#include "recover/layer_rows.h"
#include "recover/small_layers.h"

namespace q8 {
namespace {

using testing::ElementsAre;

// Inputs (1, 2) and (3, 4): Σ q = (4, 6), Σ qqᵀ = [[1 + 9, 2 + 12], [14, 4 + 16]].
TEST(InputStatistics, SumsRowsAndTheirProducts) {
  const PlannedGraph model = test::coarse_gemm();
  const std::vector<SampleInputs> samples = {test::row(1, 2), test::row(3, 4)};
  const auto layers = find_weighted_layers(model.graph, model.plan);
  ASSERT_EQ(layers.size(), 1u);
  const auto statistics = collect_input_statistics(model.graph, layers, {.fit = samples},
                                                   {.gram = true, .what = "test"});
  EXPECT_EQ(statistics[0].rows, 2);
  EXPECT_THAT(statistics[0].sums, ElementsAre(4, 6));
  EXPECT_THAT(statistics[0].real_sums, ElementsAre(4.0, 6.0));
  EXPECT_THAT(statistics[0].gram, ElementsAre(10, 14, 14, 20));
}

// 300 is beyond the u8 range: the layer meets 255. 1.4 is met as 1.
TEST(InputStatistics, SeesInputsAsTheLayerDoes) {
  const PlannedGraph model = test::coarse_gemm();
  const std::vector<SampleInputs> samples = {test::row(300, 1.4f)};
  const auto layers = find_weighted_layers(model.graph, model.plan);
  const auto statistics =
      collect_input_statistics(model.graph, layers, {.fit = samples}, {.what = "test"});
  EXPECT_THAT(statistics[0].sums, ElementsAre(255, 1));
  EXPECT_DOUBLE_EQ(statistics[0].real_mean(0), 300);
  EXPECT_TRUE(statistics[0].gram.empty());
}

// A Conv of 4 to 2 channels in 2 groups, 2×2, padded by 1 at the top and left.
WeightedLayer small_conv(test::GraphBuilder& b) {
  Attributes attributes;
  attributes.set("group", std::int64_t{2});
  attributes.set("pads", std::vector<std::int64_t>{1, 1, 0, 0});
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 2, 2, 2}, std::vector<float>(16, 1)));
  b.node("Conv", {"x", "w"}, "y", attributes).output("y");
  return {.node = 0,
          .input = b.value("x"),
          .weights = b.graph().constant(b.value("w")),
          .groups = 2,
          .channels = 2,
          .depth = 8};
}

// Image of 2×2 pixels; channel c holds 10c + (1, 2; 3, 4). The window of output pixel (0, 1) is
// (padding, padding; 1, 2), of (1, 1) all four.
TEST(LayerRows, AreWindowsOfOneGroupWithZerosOutside) {
  test::GraphBuilder b;
  const WeightedLayer layer = small_conv(b);
  const Tensor x = Tensor::of<float>(Shape{1, 4, 2, 2},
                                     {1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34});
  const LayerRows rows(b.graph(), layer, x, {});
  ASSERT_EQ(rows.count(), 4);
  std::vector<float> row(8);
  rows.read(1, 1, row.data());
  EXPECT_THAT(row, ElementsAre(0, 0, 21, 22, 0, 0, 31, 32));
  rows.read(3, 0, row.data());
  EXPECT_THAT(row, ElementsAre(1, 2, 3, 4, 11, 12, 13, 14));
}

TEST(LayerRows, AreTheSameFromChannelsLast) {
  test::GraphBuilder b;
  const WeightedLayer layer = small_conv(b);
  const Tensor x = Tensor::of<float>(Shape{1, 2, 2, 4},
                                     {1, 11, 21, 31, 2, 12, 22, 32, 3, 13, 23, 33, 4, 14, 24, 34});
  const int axes[] = {0, 2, 3, 1};
  const LayerRows rows(b.graph(), layer, x, axes);
  std::vector<float> row(8);
  rows.read(1, 1, row.data());
  EXPECT_THAT(row, ElementsAre(0, 0, 21, 22, 0, 0, 31, 32));
}

}  // namespace
}  // namespace q8
