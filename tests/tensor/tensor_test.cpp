#include "tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "data/thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape({2, 3, 4}).count(), 24);
  EXPECT_EQ(Shape{}.count(), 1);
  EXPECT_EQ(Shape({5, 0, 7}).count(), 0);
  EXPECT_EQ(Shape({2, 3, 4}).count(1, 3), 12);
}

TEST(Shape, RefusesCountsThatOverflowAndNegativeDimensions) {
  const std::int64_t big = std::int64_t{1} << 32;
  EXPECT_NE(bad_input_of([&] {
              (void)Shape({big, big}).count();
            }).find("too large"),
            std::string::npos);
  EXPECT_NE(bad_input_of([&] { (void)Shape({2, -3}).count(); }).find("[2, -3]"), std::string::npos);
}

TEST(Shape, NormalizesAxes) {
  EXPECT_EQ(Shape({2, 3}).normalize_axis(-1), 1);
  EXPECT_EQ(Shape({2, 3}).normalize_axis(0), 0);
  bad_input_of([] { (void)Shape({2, 3}).normalize_axis(2); });
  bad_input_of([] { (void)Shape({2, 3}).normalize_axis(-3); });
  bad_input_of([] { (void)Shape{}.normalize_axis(0); });
}

TEST(Shape, BroadcastsAsNumPy) {
  EXPECT_EQ(broadcast({3, 1, 5}, {4, 1}), Shape({3, 4, 5}));
  EXPECT_EQ(broadcast({}, {2, 2}), Shape({2, 2}));
  EXPECT_EQ(broadcast({0, 3}, {1, 3}), Shape({0, 3}));
  const auto message = bad_input_of([] { (void)broadcast({2, 3}, {2, 4}); });
  EXPECT_EQ(message, "shapes [2, 3] and [2, 4] do not broadcast");
}

TEST(Tensor, KnowsItsTypeAndSharesItsMemoryWithCopies) {
  const Tensor t = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  const Tensor copy = t.reshaped({4});
  EXPECT_EQ(copy.data<float>(), t.data<float>());
  EXPECT_EQ(t.str(), "float[2, 2]");
  EXPECT_EQ(t.size_bytes(), 16u);
  thrown(ErrorKind::kInternal, [&] { (void)t.data<double>(); });
  bad_input_of([&] { (void)t.reshaped({3}); });
  bad_input_of([] { (void)Tensor::of<float>({3}, {1.0f}); });
}

TEST(Tensor, RefusesBrokenShapesBeforeItAsksForMemory) {
  const std::int64_t dim = std::int64_t{1} << 61;
  thrown(ErrorKind::kResource, [&] { Tensor(DType::kF32, Shape{dim}); });
  // 2^61 doubles are 2^64 bytes, which would wrap around to none.
  thrown(ErrorKind::kResource,
         [&] { Tensor(DType::kF64, Shape{dim}, std::make_shared<const std::byte>()); });
}

TEST(Tensor, IsAligned) {
  for (const std::int64_t size : {0, 1, 63, 1000})
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(Tensor(DType::kU8, Shape{size}).bytes()) % 64, 0u);
}

TEST(Cast, FloatsTruncateToIntegers) {
  const Tensor t = Tensor::of<float>({6}, {1.9f, -1.9f, 0.5f, -0.5f, 127.9f, 2.0f});
  EXPECT_THAT(cast(t, DType::kS8).values<std::int8_t>(), ElementsAre(1, -1, 0, 0, 127, 2));
  EXPECT_THAT(cast(t, DType::kS64).values<std::int64_t>(), ElementsAre(1, -1, 0, 0, 127, 2));
}

TEST(Cast, IntegersWrapAround) {
  const Tensor t = Tensor::of<std::int32_t>({4}, {300, -1, 128, -129});
  EXPECT_THAT(cast(t, DType::kU8).values<std::uint8_t>(), ElementsAre(44, 255, 128, 127));
  EXPECT_THAT(cast(t, DType::kS8).values<std::int8_t>(), ElementsAre(44, -1, -128, 127));
}

TEST(Cast, BoolIsNotEqualZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor t = Tensor::of<float>({5}, {0.0f, -0.0f, 0.1f, -3.0f, nan});
  EXPECT_THAT(cast(t, DType::kBool).values<bool>(), ElementsAre(false, false, true, true, true));
  EXPECT_THAT(cast(Tensor::of<bool>({2}, {true, false}), DType::kF32).values<float>(),
              ElementsAre(1.0f, 0.0f));
}

TEST(Cast, FourBitTypesKeepTheLowBits) {
  const Tensor t = Tensor::of<std::int32_t>({5}, {7, 8, -8, -1, 17});
  EXPECT_EQ(cast(cast(t, DType::kS4), DType::kS32).to_int64s(),
            (std::vector<std::int64_t>{7, -8, -8, -1, 1}));
  EXPECT_EQ(cast(cast(t, DType::kU4), DType::kS32).to_int64s(),
            (std::vector<std::int64_t>{7, 8, 8, 15, 1}));
}

TEST(Cast, TwoBitTypesKeepTheLowBits) {
  const Tensor t = Tensor::of<std::int32_t>({5}, {1, 2, -2, -1, 5});
  EXPECT_EQ(cast(cast(t, DType::kS2), DType::kS32).to_int64s(),
            (std::vector<std::int64_t>{1, -2, -2, -1, 1}));
  EXPECT_EQ(cast(cast(t, DType::kU2), DType::kS32).to_int64s(),
            (std::vector<std::int64_t>{1, 2, 2, 3, 1}));
}

TEST(Cast, ToTheSameTypeSharesTheMemory) {
  const Tensor t = Tensor::of<float>({1}, {1});
  EXPECT_EQ(cast(t, DType::kF32).bytes(), t.bytes());
}

TEST(Cast, UnsignedIntegersAbove2To63) {
  EXPECT_EQ(cast(Tensor::of<float>({1}, {1e19f}), DType::kU64).values<std::uint64_t>()[0],
            9999999980506447872u);  // 1e19 as a float
}

}  // namespace
}  // namespace q8
