#include <gmock/gmock.h>

#include "base/error.h"
#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

const Tensor kRamp = Tensor::of<float>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
const Tensor kOnes = Tensor::of<float>({1, 1, 2, 2}, {1, 1, 1, 1});

TEST(Conv, SumsEachWindow) {
  // 1+2+4+5, 2+3+5+6, 4+5+7+8, 5+6+8+9
  EXPECT_THAT(run_node({"Conv"}, {&kRamp, &kOnes})[0].to_floats(), ElementsAre(12, 16, 24, 28));
}

TEST(Conv, ConstantWeightsGiveTheSame) {
  const Tensor bias = Tensor::of<float>({1}, {0.5f});
  const auto y = run_node({.type = "Conv", .constants = {1, 2}}, {&kRamp, &kOnes, &bias});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(12.5f, 16.5f, 24.5f, 28.5f));
}

TEST(Conv, SameUpperPadsAtTheEnd) {
  // stride 2 on 3 gives 2 outputs; one row and column of zeros behind: 1+2+4+5, 3+6, 7+8, 9
  const auto a = attribute_list({{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}});
  EXPECT_THAT(run_node({"Conv", a}, {&kRamp, &kOnes})[0].to_floats(), ElementsAre(12, 9, 15, 9));
}

TEST(Conv, SameLowerPadsAtTheBeginning) {
  // 1, 2+3, 4+7, 5+6+8+9
  const auto a = attribute_list({{"auto_pad", "SAME_LOWER"}, {"strides", Ints{2, 2}}});
  EXPECT_THAT(run_node({"Conv", a}, {&kRamp, &kOnes})[0].to_floats(), ElementsAre(1, 5, 11, 28));
}

TEST(Conv, DoubleFollowsTheFormula) {
  const Tensor x = cast(kRamp, DType::kF64), w = cast(kOnes, DType::kF64);
  const auto a = attribute_list({{"pads", Ints{1, 0, 0, 0}}});
  // first row over padding: 1+2, 2+3
  EXPECT_THAT(run_node({"Conv", a}, {&x, &w})[0].to_floats(), ElementsAre(3, 5, 12, 16, 24, 28));
}

TEST(Conv, OneDimensionInTwoGroups) {
  const Tensor x = Tensor::of<float>({1, 2, 3}, {1, 2, 3, 10, 20, 30});
  const Tensor w = Tensor::of<float>({2, 1, 2}, {1, -1, 2, 0});
  const auto y = run_node({"Conv", attribute_list({{"group", std::int64_t{2}}})}, {&x, &w});
  EXPECT_EQ(y[0].shape(), (Shape{1, 2, 2}));
  EXPECT_THAT(y[0].to_floats(), ElementsAre(-1, -1, 20, 40));
}

TEST(Conv, ChannelsLastAddsTheResidualBeforeTheClamp) {
  // Two pixels of two channels, 1×1 weights: y0 = x0 + x1, y1 = x0 − x1.
  const Tensor x = Tensor::of<float>({1, 1, 2, 2}, {1, 2, 3, 5});
  const Tensor w = Tensor::of<float>({2, 2, 1, 1}, {1, 1, 1, -1});
  const Tensor residual = Tensor::of<float>({1, 1, 2, 2}, {10, 0, -10, 0});
  const auto a = attribute_list({{"clamp_lo", 0.0f}, {"clamp_hi", 12.0f}});
  // 3 + 10 → 12; −1 → 0; 8 − 10 → 0; −2 → 0
  const auto y = run_node({"Conv", a, "q8"}, {&x, &w, nullptr, &residual});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(12, 0, 0, 0));
}

TEST(FusedConv, AppliesItsActivationAfterTheAddition) {
  const Tensor z = Tensor::of<float>({1, 1, 2, 2}, {-20, 0, -26, 0});
  const auto a = attribute_list(
      {{"activation", "LeakyRelu"}, {"activation_params", std::vector<float>{0.5f}}});
  const auto y = run_node({"FusedConv", a, "com.microsoft", 1}, {&kRamp, &kOnes, nullptr, &z});
  EXPECT_THAT(y[0].to_floats(), ElementsAre(-4, 16, -1, 28));
}

TEST(Conv, NamesTheChannelsThatDoNotFit) {
  const Tensor w = Tensor::of<float>({1, 2, 1, 1}, {1, 1});
  try {
    run_node({"Conv"}, {&kRamp, &w});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1 channels"));
  }
}

TEST(ConvTranspose, SpreadsEachElement) {
  const Tensor x = Tensor::of<float>({1, 1, 1, 2}, {1, 10});
  const Tensor w = Tensor::of<float>({1, 1, 1, 3}, {1, 2, 3});
  // 1·(1 2 3) at 0 and 10·(1 2 3) at 2
  EXPECT_THAT(run_node({"ConvTranspose", attribute_list({{"strides", Ints{1, 2}}})}, {&x, &w})[0]
                  .to_floats(),
              ElementsAre(1, 2, 13, 20, 30));
  // output_shape 4: one of the five is cut, at the beginning, as auto_pad is not SAME_UPPER
  const auto cut = attribute_list({{"strides", Ints{1, 2}}, {"output_shape", Ints{1, 4}}});
  EXPECT_THAT(run_node({"ConvTranspose", cut}, {&x, &w})[0].to_floats(),
              ElementsAre(2, 13, 20, 30));
}

TEST(Gemm, BroadcastsC) {
  const Tensor a = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  const Tensor b = Tensor::of<float>({2, 2}, {1, 1, 0, 1});  // A·Bᵀ = 3 2 / 7 4
  const auto options =
      attribute_list({{"transB", std::int64_t{1}}, {"alpha", 2.0f}, {"beta", 0.5f}});
  const auto gemm = [&](const Tensor& c) {
    return run_node({.type = "Gemm", .attributes = options, .constants = {1}}, {&a, &b, &c})[0]
        .to_floats();
  };
  EXPECT_THAT(gemm(Tensor::of<float>({2}, {2, 4})), ElementsAre(7, 6, 15, 10));
  EXPECT_THAT(gemm(Tensor::of<float>({2, 1}, {2, 4})), ElementsAre(7, 5, 16, 10));
  EXPECT_THAT(gemm(Tensor::scalar(2.0f)), ElementsAre(7, 5, 15, 9));
}

TEST(MatMul, BroadcastsTheBatchAndTakesVectors) {
  const Tensor a = Tensor::of<float>({2, 1, 2}, {1, 2, 3, 4});
  const Tensor b = Tensor::of<float>({1, 2, 2}, {1, 0, 0, 10});
  EXPECT_THAT(run_node({"MatMul"}, {&a, &b})[0].to_floats(), ElementsAre(1, 20, 3, 40));
  const Tensor v = Tensor::of<float>({2}, {1, 1});
  const Tensor y = run_node({"MatMul"}, {&a, &v})[0];
  EXPECT_EQ(y.shape(), (Shape{2, 1}));
  EXPECT_THAT(y.to_floats(), ElementsAre(3, 7));
}

TEST(FusedMatMul, ScalesTheTransposedProduct) {
  const Tensor a = Tensor::of<float>({1, 2}, {1, 2});
  const Tensor b = Tensor::of<float>({2, 2}, {1, 0, 3, 10});
  const auto options = attribute_list({{"transB", std::int64_t{1}}, {"alpha", 0.5f}});
  EXPECT_THAT(run_node({"FusedMatMul", options, "com.microsoft", 1}, {&a, &b})[0].to_floats(),
              ElementsAre(0.5f, 11.5f));
}

}  // namespace
}  // namespace q8
