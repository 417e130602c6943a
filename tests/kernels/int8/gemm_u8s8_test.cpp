#include "kernels/int8/gemm_u8s8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "base/isa.h"

namespace q8 {
namespace {

// Bytes with many of the values that overflow first.
std::vector<std::uint8_t> random_bytes(std::int64_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
  constexpr std::uint8_t kExtreme[] = {0, 255, 128, 127};
  for (std::uint8_t& b : out)
    b = random() % 3 == 0 ? kExtreme[random() % 4] : static_cast<std::uint8_t>(random());
  return out;
}

std::int64_t value_of(std::uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<std::int8_t>(byte) : byte;
}

struct Case {
  std::int64_t m, n, k;
  bool a_signed = false, b_signed = true;
  bool transposed_b = false;
  std::int32_t a_zero_point = 0;
  std::vector<std::int32_t> b_zero_point = {};
};

struct Product {
  Case c;
  std::vector<std::uint8_t> a, b;
  std::vector<std::int32_t> bias;

  explicit Product(const Case& given, std::uint32_t seed = 1)
      : c(given), a(random_bytes(c.m * c.k, seed)), b(random_bytes(c.k * c.n, seed + 1)) {
    std::mt19937 random(seed + 2);
    for (std::int64_t j = 0; j < c.n; ++j)
      bias.push_back(static_cast<std::int32_t>(random() % 200001) - 100000);
  }

  ActivationsView activations() const { return {a.data(), c.a_signed, c.a_zero_point, c.k}; }
  WeightsView weights() const {
    return {.data = b.data(),
            .is_signed = c.b_signed,
            .k = c.k,
            .n = c.n,
            .stride_k = c.transposed_b ? 1 : c.n,
            .stride_n = c.transposed_b ? c.k : 1,
            .zero_point = c.b_zero_point};
  }

  // The definition, in 64 bits.
  std::int64_t sum(std::int64_t i, std::int64_t j) const {
    const auto zeros = c.b_zero_point.size();
    const std::int64_t b_zero =
        zeros == 0 ? 0 : c.b_zero_point[zeros == 1 ? 0 : static_cast<std::size_t>(j)];
    std::int64_t total = bias[static_cast<std::size_t>(j)];
    for (std::int64_t k = 0; k < c.k; ++k) {
      const auto at = static_cast<std::size_t>(c.transposed_b ? j * c.k + k : k * c.n + j);
      total += (value_of(a[static_cast<std::size_t>(i * c.k + k)], c.a_signed) - c.a_zero_point) *
               (value_of(b[at], c.b_signed) - b_zero);
    }
    return total;
  }
};

std::vector<std::int32_t> run_s32(const GemmU8S8Row& row, const Product& p, int thread_count = 1) {
  std::vector<std::int32_t> c(static_cast<std::size_t>(p.c.m * p.c.n), -1);
  Threads threads(thread_count);
  gemm_u8s8(p.c.m, p.activations(), PackedS8(row, p.weights()),
            {.kind = OutputKind::kS32, .bias = p.bias}, c.data(), p.c.n, threads);
  return c;
}

void expect_exact(const GemmU8S8Row& row, const Case& c) {
  const Product p(c, static_cast<std::uint32_t>(c.m * 7 + c.n * 3 + c.k));
  const std::vector<std::int32_t> out = run_s32(row, p);
  for (std::int64_t i = 0; i < c.m; ++i)
    for (std::int64_t j = 0; j < c.n; ++j)
      ASSERT_EQ(out[static_cast<std::size_t>(i * c.n + j)], p.sum(i, j))
          << row.name << " m=" << c.m << " n=" << c.n << " k=" << c.k << " at " << i << "," << j;
}

class GemmU8S8 : public testing::TestWithParam<const GemmU8S8Row*> {
 protected:
  void SetUp() override {
    if (!cpu_has(GetParam()->isa)) GTEST_SKIP() << "this CPU has no " << GetParam()->name;
  }
};

constexpr std::int64_t kAwkward[] = {1, 3, 15, 16, 17, 63, 64, 65, 257};

TEST_P(GemmU8S8, EqualsTheDefinitionOnAwkwardSizes) {
  for (const std::int64_t m : kAwkward)
    for (const std::int64_t n : kAwkward)
      for (const std::int64_t k : kAwkward)
        if (m * n * k < 300'000) expect_exact(*GetParam(), {m, n, k, false, true, false, 3});
}

TEST_P(GemmU8S8, TakesEverySignednessAndZeroPoint) {
  for (const bool a_signed : {false, true})
    for (const bool b_signed : {false, true})
      for (const bool transposed : {false, true})
        for (const std::int32_t a_zero : {0, 7, 127})
          for (const std::int64_t k : {1, 17, 64}) {
            const Case c{5, 37, k, a_signed, b_signed, transposed, a_zero};
            expect_exact(*GetParam(), c);
            Case one = c;
            one.b_zero_point = {b_signed ? -128 : 255};
            expect_exact(*GetParam(), one);
            Case each = c;
            for (std::int32_t j = 0; j < 37; ++j)
              each.b_zero_point.push_back(j - (b_signed ? 9 : 0));
            expect_exact(*GetParam(), each);
          }
}

TEST_P(GemmU8S8, IsExactAtTheGreatestSums) {
  for (const std::int8_t weight : {std::int8_t{-128}, std::int8_t{127}}) {
    constexpr std::int64_t kDepth = 65'000;  // 65,000 · 255 · 128 < 2³¹
    const std::vector<std::uint8_t> a(kDepth * 2, 255);
    const std::vector<std::int8_t> b(kDepth * 3, weight);
    std::vector<std::int32_t> c(6);
    Threads threads(1);
    gemm_u8s8(2, {a.data(), false, 0, kDepth},
              PackedS8(*GetParam(),
                       {.data = b.data(), .k = kDepth, .n = 3, .stride_k = 3, .stride_n = 1}),
              OutputU8S8{}, c.data(), 3, threads);
    for (const std::int32_t sum : c) EXPECT_EQ(sum, kDepth * 255 * weight);
  }
}

void requantizes(const GemmU8S8Row& row, bool out_signed, std::int64_t n, bool narrow) {
  const Product p({14, n, 40, false, true, false, 11});
  std::vector<float> multiplier;
  for (std::int64_t j = 0; j < n; ++j)
    multiplier.push_back(0.0001f * static_cast<float>(j % 5 + 1) + (j == 3 ? 30000.0f : 0.0f));
  const std::int32_t zero = out_signed ? -3 : 100;
  const std::int32_t low = narrow ? zero : (out_signed ? -128 : 0);
  const std::int32_t high = narrow ? zero + 50 : low + 255;
  std::vector<std::uint8_t> c(static_cast<std::size_t>(14 * n));
  Threads threads(1);
  gemm_u8s8(14, p.activations(), PackedS8(row, p.weights()),
            {.kind = OutputKind::kByte,
             .bias = p.bias,
             .multiplier = multiplier,
             .zero_point = zero,
             .low = low,
             .high = high},
            c.data(), n, threads);
  for (std::int64_t i = 0; i < 14; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      // One FP32 rounding in the product; nearest even; then exact in double.
      const float scaled =
          static_cast<float>(p.sum(i, j)) * multiplier[static_cast<std::size_t>(j)];
      const double q = std::nearbyint(static_cast<double>(scaled)) + zero;
      const double clamped = q < low ? low : (q > high ? high : q);
      ASSERT_EQ(value_of(c[static_cast<std::size_t>(i * n + j)], out_signed), clamped)
          << row.name << " n=" << n << " at " << i << "," << j;
    }
}

TEST_P(GemmU8S8, RequantizesAsTheFormulaSays) {
  for (const bool out_signed : {false, true})
    for (const std::int64_t n : {1, 15, 31, 33, 70, -33, -70}) {
      const bool narrow = n < 0;  // as a fused Relu and Clip
      requantizes(*GetParam(), out_signed, narrow ? -n : n, narrow);
    }
}

TEST_P(GemmU8S8, TiesGoToTheEvenNumber) {
  // Sums 1, 3, 5, -1, -3 times 0.5: 0.5, 1.5, 2.5, −0.5, −1.5 → 0, 2, 2, 0, −2.
  const std::uint8_t a[] = {1, 0, 0, 0};
  const std::int8_t b[] = {1, 3, 5, -1, -3};
  const float half[] = {0.5f};
  std::uint8_t c[5];
  Threads threads(1);
  gemm_u8s8(1, {a, false, 0, 1},
            PackedS8(*GetParam(), {.data = b, .k = 1, .n = 5, .stride_k = 5, .stride_n = 1}),
            {.kind = OutputKind::kByte, .multiplier = half, .zero_point = 10}, c, 5, threads);
  const std::uint8_t expected[] = {10, 12, 12, 10, 8};
  for (int j = 0; j < 5; ++j) EXPECT_EQ(c[j], expected[j]) << j;
}

TEST_P(GemmU8S8, GivesFloats) {
  const Product p({13, 35, 19, true, true, true, 2});
  std::vector<float> offset;
  for (int j = 0; j < 35; ++j) offset.push_back(0.37f * static_cast<float>(j) - 3.0f);
  const float scale[] = {0.0123f};
  std::vector<float> c(13 * 35);
  Threads threads(1);
  gemm_u8s8(13, p.activations(), PackedS8(*GetParam(), p.weights()),
            {.kind = OutputKind::kF32,
             .bias = p.bias,
             .multiplier = scale,
             .float_bias = offset,
             .float_low = -500.0f,
             .float_high = 900.0f},
            c.data(), 35, threads);
  for (std::int64_t i = 0; i < 13; ++i)
    for (std::int64_t j = 0; j < 35; ++j) {
      float y = static_cast<float>(p.sum(i, j)) * scale[0];
      y = y + offset[static_cast<std::size_t>(j)];
      y = y < -500.0f ? -500.0f : (y > 900.0f ? 900.0f : y);
      ASSERT_EQ(c[static_cast<std::size_t>(i * 35 + j)], y);
    }
}

TEST_P(GemmU8S8, DoesNotDependOnTheThreads) {
  const Product p({65, 257, 63, false, true, false, 5});
  EXPECT_EQ(run_s32(*GetParam(), p, 1), run_s32(*GetParam(), p, 2));
}

TEST_P(GemmU8S8, MultipliesBatchesOfActivations) {
  constexpr std::int64_t kBatch = 3, kM = 7, kN = 33, kK = 18;
  const Product p({kBatch * kM, kN, kK, false, false, false, 4, {131}});
  const std::vector<std::uint8_t> b = random_bytes(kBatch * kK * kN, 5);
  std::vector<std::int32_t> c(kBatch * kM * kN);
  Threads threads(1);
  BatchedGemmU8S8 products{.batch = kBatch, .m = kM, .a = p.activations(), .a_step = kM * kK};
  products.b = p.weights();
  products.b.data = b.data();
  products.b_step = kK * kN;
  products.c = c.data();
  products.c_stride = kN;
  products.c_step = kM * kN;
  batched_gemm_u8s8(*GetParam(), products, threads);
  for (std::int64_t t = 0; t < kBatch; ++t)
    for (std::int64_t i = 0; i < kM; ++i)
      for (std::int64_t j = 0; j < kN; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < kK; ++k)
          sum += (p.a[static_cast<std::size_t>((t * kM + i) * kK + k)] - 4) *
                 (b[static_cast<std::size_t>((t * kK + k) * kN + j)] - 131);
        ASSERT_EQ(c[static_cast<std::size_t>((t * kM + i) * kN + j)], sum);
      }
}

INSTANTIATE_TEST_SUITE_P(Rows, GemmU8S8, testing::ValuesIn([] {
                           std::vector<const GemmU8S8Row*> rows;
                           for (const GemmU8S8Row& row : gemm_u8s8_rows()) rows.push_back(&row);
                           return rows;
                         }()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(PackedS8, LargestSumIsThatOfTheWorstColumn) {
  // Columns (1, −2) and (127, 3): 255 · max(1, 2) and 255 · 130.
  const std::int8_t b[] = {1, 127, -2, 3};
  const PackedS8 packed(gemm_u8s8_rows().back(),
                        {.data = b, .k = 2, .n = 2, .stride_k = 2, .stride_n = 1});
  EXPECT_EQ(packed.largest_sum(), 255 * 130);
}

}  // namespace
}  // namespace q8
