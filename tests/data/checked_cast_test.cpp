#include "data/checked_cast.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename T>
void expect_refused(T value, DType to) {
  EXPECT_THAT(bad_input_of([&] { (void)checked_cast(Tensor::scalar<T>(value), to); }),
              HasSubstr(std::string(dtype_name(to))));
}

TEST(CheckedCast, FloatsMayLosePrecisionOnly) {
  EXPECT_EQ(checked_cast(Tensor::scalar(0.1), DType::kF32).data<float>()[0], 0.1F);
  expect_refused(1e39, DType::kF32);
  expect_refused(70000.0F, DType::kF16);  // the largest half is 65504
  const Tensor inf = Tensor::scalar(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isinf(checked_cast(inf, DType::kF32).data<float>()[0]));
}

TEST(CheckedCast, IntegersMustBeInRange) {
  EXPECT_EQ(checked_cast(Tensor::scalar<std::int64_t>(-128), DType::kS8).data<std::int8_t>()[0],
            -128);
  expect_refused<std::int64_t>(128, DType::kS8);
  expect_refused<std::int64_t>(-1, DType::kU64);
  expect_refused<std::uint64_t>(std::uint64_t{1} << 63, DType::kS64);
}

TEST(CheckedCast, FloatsBecomeIntegersWhereTheyAreWhole) {
  EXPECT_THAT(checked_cast(Tensor::of<float>({2}, {-3, 7}), DType::kS32).values<std::int32_t>(),
              ElementsAre(-3, 7));
  expect_refused(0.5F, DType::kS32);
  expect_refused(2147483648.0F, DType::kS32);
  expect_refused(-2147483904.0F, DType::kS32);  // the next float below -2^31
  expect_refused(std::nanf(""), DType::kS32);
  expect_refused(-1.0, DType::kU8);
}

TEST(CheckedCast, IntegersBecomeFloatsWhereTheyAreExact) {
  EXPECT_EQ(checked_cast(Tensor::scalar<std::int32_t>(1 << 24), DType::kF32).data<float>()[0],
            16777216.0F);
  expect_refused<std::int32_t>((1 << 24) + 1, DType::kF32);
  expect_refused<std::int64_t>(std::numeric_limits<std::int64_t>::min(), DType::kF32);
  EXPECT_EQ(checked_cast(Tensor::scalar<std::uint8_t>(255), DType::kF16).dtype(), DType::kF16);
}

TEST(CheckedCast, BoolTakesZeroAndOne) {
  EXPECT_TRUE(checked_cast(Tensor::scalar<std::int64_t>(1), DType::kBool).data<bool>()[0]);
  expect_refused<std::int64_t>(2, DType::kBool);
  EXPECT_EQ(checked_cast(Tensor::scalar(true), DType::kF32).data<float>()[0], 1.0F);
}

}  // namespace
}  // namespace q8
