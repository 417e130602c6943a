#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "node_under_test.h"

namespace q8 {
namespace {

using testing::ElementsAre;

template <typename T>
std::vector<T> binary(const char* type, const Tensor& a, const Tensor& b, Attributes extra = {}) {
  return values_of<T>(run_node({.type = type, .attributes = extra}, {&a, &b})[0]);
}

TEST(Arithmetic, BroadcastsBothOperands) {
  const Tensor a = Tensor::of<float>({2, 1}, {1, 2}), b = Tensor::of<float>({3}, {10, 20, 30});
  const Tensor y = run_node({.type = "Add"}, {&a, &b})[0];
  EXPECT_EQ(y.shape(), Shape({2, 3}));
  EXPECT_THAT(y.values<float>(), ElementsAre(11, 21, 31, 12, 22, 32));
}

TEST(Arithmetic, PerChannelOperandOfAnImage) {
  const Tensor x = Tensor::of<float>({1, 2, 1, 2}, {1, 2, 3, 4});
  const Tensor c = Tensor::of<float>({2, 1, 1}, {10, 100});
  EXPECT_THAT(binary<float>("Mul", x, c), ElementsAre(10, 20, 300, 400));
  EXPECT_THAT(binary<float>("Sub", c, x), ElementsAre(9, 8, 97, 96));
}

TEST(Arithmetic, IntegerDivisionTruncatesAndNamesZero) {
  const Tensor a = Tensor::of<std::int32_t>({4}, {7, -7, 7, INT32_MIN});
  const Tensor b = Tensor::of<std::int32_t>({4}, {2, 2, -2, -1});
  EXPECT_THAT(binary<std::int32_t>("Div", a, b), ElementsAre(3, -3, -3, INT32_MIN));
  const Tensor zero = Tensor::scalar<std::int32_t>(0);
  EXPECT_THROW(binary<std::int32_t>("Div", a, zero), Error);
}

TEST(Arithmetic, ModFollowsPythonAndFmodFollowsC) {
  const Tensor a = Tensor::of<std::int64_t>({4}, {-4, 7, 5, -7}),
               b = Tensor::of<std::int64_t>({4}, {3, -3, 3, -3});
  EXPECT_THAT(binary<std::int64_t>("Mod", a, b), ElementsAre(2, -2, 2, -1));
  EXPECT_THAT(binary<std::int64_t>("Mod", a, b, attribute_list({{"fmod", std::int64_t{1}}})),
              ElementsAre(-1, 1, 2, -1));
}

TEST(Arithmetic, SmallIntegersWrapAround) {
  const Tensor a = Tensor::of<std::uint8_t>({2}, {250, 16}),
               b = Tensor::of<std::uint8_t>({2}, {10, 17});
  EXPECT_THAT(binary<std::uint8_t>("Add", a, b), ElementsAre(4, 33));
  EXPECT_THAT(binary<std::uint8_t>("Mul", a, b), ElementsAre(2500 % 256, 272 % 256));
}

TEST(Arithmetic, PowerTakesTheTypeOfTheBase) {
  const Tensor base = Tensor::of<std::int32_t>({3}, {2, -3, 10});
  const Tensor exponent = Tensor::of<float>({3}, {10, 3, 0});
  EXPECT_THAT(binary<std::int32_t>("Pow", base, exponent), ElementsAre(1024, -27, 1));
}

TEST(Arithmetic, CubesAreRoundedOnce) {
  const Tensor base = Tensor::of<float>({4}, {-2, 3, 1e20f, 1.1f});
  const float infinity = std::numeric_limits<float>::infinity();
  // 1.1f is 1.10000002384185791015625, whose cube 1.33100008654596 lies nearest to this float.
  EXPECT_THAT(binary<float>("Pow", base, Tensor::scalar(3.0f)),
              ElementsAre(-8, 27, infinity, 1.3310001f));
}

TEST(Arithmetic, MaxKeepsNaNOnEitherSide) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor a = Tensor::of<float>({2}, {nan, 1}), b = Tensor::of<float>({2}, {1, nan});
  for (const char* type : {"Max", "Min"})
    for (const float v : binary<float>(type, a, b)) EXPECT_TRUE(std::isnan(v)) << type;
}

TEST(Arithmetic, OperandsOfDifferentTypesAreRefused) {
  const Tensor a = Tensor::scalar(1.0f), b = Tensor::scalar<std::int32_t>(1);
  EXPECT_THROW(binary<float>("Add", a, b), Error);
}

TEST(Arithmetic, EmptyTensorsGiveEmptyResults) {
  const Tensor a = Tensor::of<float>({0, 3}, {}), b = Tensor::of<float>({3}, {1, 2, 3});
  EXPECT_EQ(run_node({.type = "Add"}, {&a, &b})[0].shape(), Shape({0, 3}));
}

// Large enough that four threads share the work, with runs that do not divide evenly.
TEST(Arithmetic, SameBitsForEveryNumberOfThreads) {
  Tensor a(DType::kF32, Shape{37, 1, 1001}), b(DType::kF32, Shape{5, 1001});
  for (std::int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = std::sin(static_cast<float>(i));
  for (std::int64_t i = 0; i < b.size(); ++i)
    b.mutable_data<float>()[i] = std::cos(static_cast<float>(i));
  for (const char* type : {"Add", "Pow", "Less"}) {
    const Tensor one = run_node({.type = type, .threads = 1}, {&a, &b})[0];
    const Tensor four = run_node({.type = type, .threads = 4}, {&a, &b})[0];
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(one.bytes()), one.size_bytes()),
              std::string(reinterpret_cast<const char*>(four.bytes()), four.size_bytes()))
        << type;
  }
}

TEST(Logic, WhereBroadcastsThreeOperands) {
  const Tensor c = Tensor::of<bool>({2, 1}, {true, false});
  const Tensor a = Tensor::of<std::int8_t>({3}, {1, 2, 3}), b = Tensor::scalar<std::int8_t>(-9);
  const Tensor y = run_node({.type = "Where"}, {&c, &a, &b})[0];
  EXPECT_THAT(y.values<std::int8_t>(), ElementsAre(1, 2, 3, -9, -9, -9));
}

TEST(Logic, ShiftByTheWidthGivesZero) {
  const Tensor a = Tensor::of<std::uint8_t>({3}, {255, 255, 255}),
               by = Tensor::of<std::uint8_t>({3}, {1, 7, 8});
  EXPECT_THAT(
      binary<std::uint8_t>("BitShift", a, by, attribute_list({{"direction", std::string("LEFT")}})),
      ElementsAre(254, 128, 0));
}

TEST(Activation, PReluHasOneSlopeAChannelOrOneForAll) {
  const Tensor x = Tensor::of<float>({1, 2, 1, 3}, {-1, 2, -3, 4, -5, 6});
  const Tensor slopes = Tensor::of<float>({2, 1, 1}, {10, 100});
  EXPECT_THAT(binary<float>("PRelu", x, slopes), ElementsAre(-10, 2, -30, 4, -500, 6));
  EXPECT_THAT(binary<float>("PRelu", x, Tensor::scalar(0.5f)),
              ElementsAre(-0.5f, 2, -1.5f, 4, -2.5f, 6));
}

TEST(Activation, SoftsignIsBoundedByOne) {
  const Tensor x = Tensor::of<float>({3}, {-3, 0, 1});  // x / (1 + |x|)
  EXPECT_THAT(run_node({.type = "Softsign"}, {&x})[0].to_floats(), ElementsAre(-0.75f, 0, 0.5f));
}

TEST(Math, RoundGoesToEven) {
  const Tensor x = Tensor::of<float>({6}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 2.4f});
  EXPECT_THAT(run_node({.type = "Round"}, {&x})[0].values<float>(), ElementsAre(0, 2, 2, 0, -2, 2));
}

TEST(Math, AbsoluteValueOfTheLeastIntegerStays) {
  const Tensor x = Tensor::of<std::int8_t>({2}, {-128, -5});
  EXPECT_THAT(run_node({.type = "Abs"}, {&x})[0].values<std::int8_t>(), ElementsAre(-128, 5));
}

}  // namespace
}  // namespace q8
