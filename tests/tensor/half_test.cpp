#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tensor/tensor.h"

namespace q8 {
namespace {

// Sums and their inputs are described in make_half_sums.py, whose output the constants are.
class Fnv {
 public:
  void add(std::uint64_t value) { sum_ = (sum_ ^ value) * 1099511628211u; }
  std::uint64_t sum() const { return sum_; }

 private:
  std::uint64_t sum_ = 14695981039346656037u;
};

template <typename Function>
void for_each_float(Function&& function) {
  for (std::uint32_t i = 0; i < 1u << 18; ++i) {
    const float f = std::bit_cast<float>(i * 2654435761u);
    if (!std::isnan(f)) function(f);
  }
}

TEST(Half, EveryOneBecomesTheFloatThatNumPyGives) {
  Fnv sum;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float f = to_float(Half{static_cast<std::uint16_t>(bits)});
    const bool is_nan = (bits & 0x7fffu) > 0x7c00u;
    EXPECT_EQ(std::isnan(f), is_nan) << bits;
    if (!is_nan) sum.add(std::bit_cast<std::uint32_t>(f));
  }
  EXPECT_EQ(sum.sum(), 0xa4d3893bfed78fedu);
}

TEST(Half, FloatsRoundAsInNumPy) {
  Fnv sum;
  for_each_float([&](float f) { sum.add(to_half(f).bits); });
  EXPECT_EQ(sum.sum(), 0x00914ed0df6e26c4u);
}

// Tensors are cast many elements at a time.
TEST(Half, TensorsAreCastAsTheirElements) {
  std::vector<float> floats;
  for_each_float([&](float f) { floats.push_back(f); });
  for (const std::size_t size : {floats.size(), std::size_t{17}, std::size_t{3}}) {
    const auto count = static_cast<std::int64_t>(size);
    const Tensor half =
        cast(Tensor::of<float>(Shape{count}, std::span(floats).first(size)), DType::kF16);
    const Tensor wide = cast(half, DType::kF32);
    for (std::size_t i = 0; i < size; ++i) {
      const Half expected = to_half(floats[i]);
      ASSERT_EQ(half.data<Half>()[i].bits, expected.bits) << floats[i];
      ASSERT_EQ(wide.data<float>()[i], to_float(expected)) << floats[i];
    }
  }
}

TEST(Half, GoingThroughFloatChangesNothing) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const std::uint16_t back = to_half(to_float(Half{half})).bits;
    if ((bits & 0x7fffu) > 0x7c00u) {
      EXPECT_GT(back & 0x7fffu, 0x7c00u) << bits;  // still NaN
    } else {
      EXPECT_EQ(back, half);
    }
  }
}

// 65504 is the largest; the tie between it and 65536 goes up, to inf.
TEST(Half, OverflowAndTiesAtTheEnds) {
  EXPECT_EQ(to_half(65519.996f).bits, 0x7bff);
  EXPECT_EQ(to_half(65520.0f).bits, 0x7c00);
  EXPECT_EQ(to_half(-1e30f).bits, 0xfc00);
  EXPECT_EQ(to_half(std::ldexp(1.0f, -25)).bits, 0);                        // tie with 0: even
  EXPECT_EQ(to_half(std::nextafter(std::ldexp(1.0f, -25), 1.0f)).bits, 1);  // smallest subnormal
  EXPECT_EQ(to_half(std::ldexp(3.0f, -25)).bits, 2);                        // tie of 1 and 2: even
  EXPECT_EQ(to_half(-0.0f).bits, 0x8000);
}

TEST(BFloat16, FloatsRoundHalfToEven) {
  Fnv sum;
  for_each_float([&](float f) { sum.add(to_bfloat16(f).bits); });
  EXPECT_EQ(sum.sum(), 0x62182b9fc804c5d1u);
}

TEST(BFloat16, IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(to_float(BFloat16{0x3f80}), 1.0f);
  EXPECT_EQ(to_bfloat16(1.0f + std::ldexp(1.0f, -8)).bits, 0x3f80);  // tie: even
  EXPECT_EQ(to_bfloat16(1.0f + std::ldexp(3.0f, -8)).bits, 0x3f82);  // tie: even
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

// A payload in the low bits alone must not become infinity.
TEST(BFloat16, NanStaysNan) {
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(to_float(to_half(std::bit_cast<float>(0xff800001u)))));
}

}  // namespace
}  // namespace q8
