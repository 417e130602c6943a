#include <gmock/gmock.h>

#include "data/thrown.h"
#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

Attributes window(Ints kernel, Ints strides, Ints pads = {}) {
  Attributes a;
  a.set("kernel_shape", std::move(kernel));
  a.set("strides", std::move(strides));
  if (!pads.empty()) a.set("pads", std::move(pads));
  return a;
}

const Tensor kRamp = Tensor::of<float>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});

TEST(MaxPool, GivesIndicesInBothOrders) {
  Attributes a = window({2, 2}, {1, 1});
  auto y = run_node({.type = "MaxPool", .attributes = a, .outputs = 2}, {&kRamp});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(5, 6, 8, 9));
  EXPECT_THAT(y[1].to_int64s(), ElementsAre(4, 5, 7, 8));
  a.set("storage_order", std::int64_t{1});
  y = run_node({.type = "MaxPool", .attributes = a, .outputs = 2}, {&kRamp});
  EXPECT_THAT(y[1].to_int64s(), ElementsAre(4, 7, 5, 8));
}

TEST(MaxPool, CeilModeAddsTheLastWindow) {
  Attributes a = window({2, 2}, {2, 2});
  EXPECT_THAT(run_node({"MaxPool", a}, {&kRamp})[0].to_floats(), ElementsAre(5));
  a.set("ceil_mode", std::int64_t{1});
  EXPECT_THAT(run_node({"MaxPool", a}, {&kRamp})[0].to_floats(), ElementsAre(5, 6, 8, 9));
}

// An answer without any element would be averaged to 0 further on.
TEST(MaxPool, RefusesAnInputSmallerThanItsWindow) {
  const Tensor line = Tensor::of<float>({1, 1, 1, 3}, {1, 2, 3});
  EXPECT_THAT(bad_input_of([&] {
                run_node({"MaxPool", window({2, 2}, {2, 2})}, {&line});
              }),
              testing::HasSubstr("a window of 2 on an axis of 1"));
  const Tensor none = Tensor::of<float>({1, 1, 0, 3}, {});
  EXPECT_EQ(run_node({"MaxPool", window({2, 2}, {2, 2})}, {&none})[0].shape(), (Shape{1, 1, 0, 1}));
}

TEST(MaxPool, BytesChannelsLast) {
  // Pixels (1, 200), (7, 3); one window over both.
  const Tensor x = Tensor::of<std::uint8_t>({1, 1, 2, 2}, {1, 200, 7, 3});
  const auto y = run_node({"MaxPool", window({1, 2}, {1, 1}), "q8"}, {&x});
  EXPECT_EQ(y[0].dtype(), DType::kU8);
  EXPECT_THAT(y[0].to_int64s(), ElementsAre(7, 200));
}

TEST(AveragePool, CountsPaddingOnlyWhenTold) {
  Attributes a = window({2, 2}, {2, 2}, {1, 1, 0, 0});
  // windows: {1}, {2, 3}, {4, 7}, {5, 6, 8, 9}
  EXPECT_THAT(run_node({"AveragePool", a}, {&kRamp})[0].to_floats(), ElementsAre(1, 2.5f, 5.5f, 7));
  a.set("count_include_pad", std::int64_t{1});
  EXPECT_THAT(run_node({"AveragePool", a}, {&kRamp})[0].to_floats(),
              ElementsAre(0.25f, 1.25f, 2.75f, 7));
}

TEST(AveragePool, ChannelsLastIsTheSameOnOneChannel) {
  const Tensor x = kRamp.reshaped({1, 3, 3, 1});
  const auto y = run_node({"AveragePool", window({2, 2}, {2, 2}, {1, 1, 0, 0}), "q8"}, {&x});
  EXPECT_EQ(y[0].shape(), (Shape{1, 2, 2, 1}));
  EXPECT_THAT(y[0].to_floats(), ElementsAre(1, 2.5f, 5.5f, 7));
}

TEST(GlobalAveragePool, BothLayouts) {
  const Tensor first = Tensor::of<float>({1, 2, 1, 2}, {1, 3, 10, 30});
  EXPECT_THAT(run_node({"GlobalAveragePool"}, {&first})[0].to_floats(), ElementsAre(2, 20));
  const Tensor last = Tensor::of<float>({1, 1, 2, 2}, {1, 10, 3, 30});
  const auto y = run_node({"GlobalAveragePool", {}, "q8"}, {&last});
  EXPECT_EQ(y[0].shape(), (Shape{1, 1, 1, 2}));
  EXPECT_THAT(y[0].to_floats(), ElementsAre(2, 20));
}

}  // namespace
}  // namespace q8
