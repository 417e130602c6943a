#include "kernels/int8/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace q8 {
namespace {

constexpr std::int64_t kAwkward[] = {0, 1, 3, 15, 16, 17, 63, 64, 65, 257};
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_floats(std::int64_t count) {
  std::mt19937 random(static_cast<std::uint32_t>(count) + 1);
  std::normal_distribution<float> normal(0, 40);
  constexpr float kExtreme[] = {0, -0.0f, kInf, -kInf, 1e38f, -1e38f, 3e9f, 0.25f};
  std::vector<float> out;
  for (std::int64_t i = 0; i < count; ++i)
    out.push_back(random() % 5 == 0 ? kExtreme[random() % 8] : normal(random));
  return out;
}

std::vector<std::uint8_t> random_bytes(std::int64_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(random()));
  return out;
}

class QuantizeRows : public testing::TestWithParam<const QuantizeRow*> {
 protected:
  void SetUp() override {
    if (!cpu_has(GetParam()->isa)) GTEST_SKIP() << "this CPU has no " << GetParam()->name;
  }
  const QuantizeRow& row() const { return *GetParam(); }
  const QuantizeRow& scalar() const { return quantize_rows().back(); }
};

TEST_P(QuantizeRows, RoundsTiesToEvenAndSaturates) {
  // scale 0.5, zero point 10: 0.25/0.5 = 0.5 → 0, 0.75/0.5 = 1.5 → 2, 1.25/0.5 = 2.5 → 2 …
  const float x[] = {0.25f, 0.75f, 1.25f, -0.25f, -0.75f, 1000.0f, -1000.0f, kInf, -kInf, kNan};
  const std::uint8_t expected[] = {10, 12, 12, 10, 8, 255, 0, 255, 0, 0};
  std::uint8_t out[10];
  row().quantize({x, 10, 0.5f, 10, 0, 255, out});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(out[i], expected[i]) << i;
  const std::int8_t signed_expected[] = {10, 12, 12, 10, 8, 127, -128, 127, -128, -128};
  row().quantize({x, 10, 0.5f, 10, -128, 127, out});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(static_cast<std::int8_t>(out[i]), signed_expected[i]);
}

TEST_P(QuantizeRows, DividesAndDoesNotMultiplyByTheReciprocal) {
  // 2.5 and 3.5 steps of a scale whose reciprocal is inexact: x / scale is exact, x · (1 / scale)
  // not.
  const float scale = 0.1f / 3;
  std::vector<float> x;
  for (int i = -200; i < 200; ++i) x.push_back((static_cast<float>(i) + 0.5f) * scale);
  std::vector<std::uint8_t> out(x.size());
  row().quantize({x.data(), static_cast<std::int64_t>(x.size()), scale, 100, 0, 255, out.data()});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float q = std::nearbyint(x[i] / scale) + 100.0f;
    EXPECT_EQ(out[i], q < 0 ? 0 : (q > 255 ? 255 : q)) << x[i];
  }
}

TEST_P(QuantizeRows, QuotientsBesideATieFallOnTheRightSide) {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    // Any mantissa; exponents up to where a remainder would underflow, and beyond.
    const float scale = std::ldexp(1.0f + static_cast<float>(random() % (1 << 23)) * 0x1p-23f,
                                   round < 400 ? static_cast<int>(random() % 130) - 65
                                               : -126 + static_cast<int>(random() % 40));
    std::vector<float> x;
    for (int n = -129; n < 128; ++n) {
      const float tie = (static_cast<float>(n) + 0.5f) * scale;
      for (const float to : {-kInf, kInf}) {
        float at = tie;
        for (int ulp = 0; ulp < 4; ++ulp, at = std::nextafter(at, to)) x.push_back(at);
      }
    }
    std::vector<std::uint8_t> out(x.size());
    row().quantize(
        {x.data(), static_cast<std::int64_t>(x.size()), scale, 0, -128, 127, out.data()});
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float q = std::nearbyint(x[i] / scale);
      ASSERT_EQ(static_cast<std::int8_t>(out[i]), q < -128 ? -128 : (q > 127 ? 127 : q))
          << x[i] << " / " << scale;
    }
  }
}

TEST_P(QuantizeRows, DequantizesByTheFormula) {
  const std::vector<std::uint8_t> q = random_bytes(257, 3);
  std::vector<float> out(257);
  for (const bool is_signed : {false, true}) {
    row().dequantize({q.data(), 257, {0.037f, -7, is_signed}, out.data()});
    for (std::size_t i = 0; i < q.size(); ++i) {
      const int value = is_signed ? static_cast<std::int8_t>(q[i]) : q[i];
      EXPECT_EQ(out[i], static_cast<float>(value + 7) * 0.037f);
    }
  }
}

TEST_P(QuantizeRows, EqualsScalarOnAwkwardSizes) {
  for (const std::int64_t n : kAwkward) {
    const std::vector<float> x = random_floats(n);
    const auto size = static_cast<std::size_t>(n);
    std::vector<std::uint8_t> expected(size), out(size, 99);
    scalar().quantize({x.data(), n, 0.7f, 3, -128, 127, expected.data()});
    row().quantize({x.data(), n, 0.7f, 3, -128, 127, out.data()});
    EXPECT_EQ(out, expected);
    const FloatRange range = row().range(x.data(), n), reference = scalar().range(x.data(), n);
    EXPECT_EQ(range.low, reference.low);
    EXPECT_EQ(range.high, reference.high);

    const std::vector<std::uint8_t> a = random_bytes(n, 1), b = random_bytes(n + 1, 2);
    for (const bool multiply : {false, true})
      for (const std::int64_t step : {0, 1})
        for (const bool a_signed : {false, true}) {
          CombineSpan span{.a = a.data(),
                           .b = b.data(),
                           .b_step = step,
                           .count = n,
                           .a_format = {0.021f, a_signed ? -4 : 120, a_signed},
                           .b_format = {0.033f, 77, false},
                           .multiply = multiply,
                           .scale = multiply ? 0.05f : 0.041f,
                           .zero_point = 128,
                           .low = 5,
                           .high = 250,
                           .out = expected.data()};
          scalar().combine(span);
          span.out = out.data();
          row().combine(span);
          EXPECT_EQ(out, expected);
        }
  }
}

// Every pair of bytes; scales whose quotients are halves, or nearly, or far out of range.
TEST_P(QuantizeRows, CombinesAllPairsAsScalarDoes) {
  constexpr std::int64_t kPairs = 256 * 256;
  std::vector<std::uint8_t> a(kPairs), b(kPairs), expected(kPairs), out(kPairs);
  for (std::size_t i = 0; i < kPairs; ++i) {
    a[i] = static_cast<std::uint8_t>(i / 256);
    b[i] = static_cast<std::uint8_t>(i % 256);
  }
  struct Scales {
    float a, b, out;
  };
  const float third = 1.0f / 3;
  for (const Scales& scales :
       {Scales{0.5f, 0.25f, 1}, Scales{third, third / 2, third}, Scales{0.0123f, 0.0457f, 0.0391f},
        Scales{0.1f, 0.7f, 0.2f}, Scales{1e-30f, 3e-30f, 2e-30f}, Scales{2, 3, 1e-3f},
        Scales{1e-3f, 2e-3f, 5}})
    for (const bool multiply : {false, true})
      for (const std::int64_t step : {0, 1})
        for (const bool is_signed : {false, true}) {
          CombineSpan span{.a = a.data(),
                           .b = b.data() + 200,
                           .b_step = step,
                           .count = kPairs - 200,
                           .a_format = {scales.a, is_signed ? -4 : 120, is_signed},
                           .b_format = {scales.b, 77, false},
                           .multiply = multiply,
                           .scale = scales.out,
                           .zero_point = is_signed ? -10 : 3,
                           .low = is_signed ? -128 : 0,
                           .high = is_signed ? 127 : 255,
                           .out = expected.data()};
          scalar().combine(span);
          span.out = out.data();
          row().combine(span);
          ASSERT_EQ(out, expected) << scales.a << ' ' << multiply << ' ' << step << is_signed;
        }
}

TEST_P(QuantizeRows, AddsAndMultipliesByTheDefinition) {
  const std::vector<std::uint8_t> a = random_bytes(1000, 1), b = random_bytes(1000, 2);
  std::vector<std::uint8_t> out(1000);
  for (const bool multiply : {false, true}) {
    row().combine({a.data(),
                   b.data(),
                   1,
                   1000,
                   {0.02f, 100, false},
                   {0.03f, -5, true},
                   multiply,
                   0.04f,
                   60,
                   0,
                   255,
                   out.data()});
    for (std::size_t i = 0; i < 1000; ++i) {
      const float x = static_cast<float>(a[i] - 100) * 0.02f;
      const float y = static_cast<float>(static_cast<std::int8_t>(b[i]) + 5) * 0.03f;
      const float z = multiply ? x * y : x + y;
      const float q = std::nearbyint(z / 0.04f) + 60.0f;
      ASSERT_EQ(out[i], q < 0 ? 0 : (q > 255 ? 255 : q)) << i;
    }
  }
}

TEST_P(QuantizeRows, RangeHoldsZeroAndPassesOverNan) {
  const float positive[] = {3, 5, kNan, 4};
  EXPECT_EQ(row().range(positive, 4).low, 0);
  EXPECT_EQ(row().range(positive, 4).high, 5);
  const float negative[] = {-3, kNan, -5};
  EXPECT_EQ(row().range(negative, 3).low, -5);
  EXPECT_EQ(row().range(negative, 3).high, 0);
}

INSTANTIATE_TEST_SUITE_P(Rows, QuantizeRows, testing::ValuesIn([] {
                           std::vector<const QuantizeRow*> rows;
                           for (const QuantizeRow& row : quantize_rows()) rows.push_back(&row);
                           return rows;
                         }()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(Quantize, TakesParametersPerChannel) {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};  // [2, 2, 2]
  const float scale[] = {1, 2};
  const std::int32_t zero_point[] = {0, 10};
  std::uint8_t q[8];
  Threads threads(1);
  const ChannelLayout layout{2, 2, 2};
  quantize_f32(quantize_rows().back(), x, layout, {scale, zero_point}, 0, 255, q, threads);
  const std::uint8_t expected[] = {1, 2, 12, 12, 5, 6, 14, 14};  // 3/2 → 2, 4/2 = 2, 7/2 → 4, 8/2
  for (int i = 0; i < 8; ++i) EXPECT_EQ(q[i], expected[i]);
  float back[8];
  dequantize_u8(quantize_rows().back(), q, layout, {scale, zero_point}, back, threads);
  EXPECT_EQ(back[2], 4);
  EXPECT_EQ(back[4], 5);
}

// The cases of ONNX's own node tests of DynamicQuantizeLinear.
TEST(Quantize, DynamicParametersAsOnnxDefinesThem) {
  Threads threads(1);
  const QuantizeRow& row = quantize_rows().back();
  const float mixed[] = {0, 2, -3, -2.5f, 1.34f, 0.5f};
  EXPECT_FLOAT_EQ(dynamic_params_u8(row, mixed, 6, threads).scale, 0.0196078438f);
  EXPECT_EQ(dynamic_params_u8(row, mixed, 6, threads).zero_point, 153);
  const float negative[] = {-1, -2.1f, -1.3f, -2.5f, -3.34f, -4};
  EXPECT_FLOAT_EQ(dynamic_params_u8(row, negative, 6, threads).scale, 0.0156862754f);
  EXPECT_EQ(dynamic_params_u8(row, negative, 6, threads).zero_point, 255);
  const float zeros[] = {0, 0};
  EXPECT_EQ(dynamic_params_u8(row, zeros, 2, threads).scale, 1);
}

}  // namespace
}  // namespace q8
