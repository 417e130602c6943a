#include "kernels/f32/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/f32/random.h"

namespace q8 {
namespace {

constexpr std::int64_t kAwkward[] = {1, 3, 15, 16, 17, 63, 64, 65, 257};

struct Product {
  std::int64_t m, n, k;
  std::vector<float> a, b, bias, residual;
};

Product random_product(std::int64_t m, std::int64_t n, std::int64_t k, std::mt19937& generator) {
  return {m,
          n,
          k,
          random_f32(m * k, generator),
          random_f32(k * n, generator),
          random_f32(n, generator),
          random_f32(m * n, generator)};
}

std::vector<float> run(const GemmF32Row& row, const Product& p, Threads& threads) {
  const PackedF32 packed(row, matrix_f32(p.b.data(), p.k, p.n, p.n));
  std::vector<float> c(static_cast<std::size_t>(p.m * p.n), std::nanf(""));
  gemm_f32(p.m, p.a.data(), p.k, packed, c.data(), p.n,
           {.bias = p.bias.data(),
            .residual = p.residual.data(),
            .ld_residual = p.n,
            .lo = -2.0f,
            .hi = 3.0f},
           threads);
  return c;
}

const GemmF32Row& scalar_row() {
  return gemm_f32_rows().back();
}

class GemmF32Rows : public testing::TestWithParam<std::size_t> {};

TEST_P(GemmF32Rows, GiveTheBitsOfTheScalarRow) {
  const GemmF32Row& row = gemm_f32_rows()[GetParam()];
  if (!cpu_has(row.isa)) GTEST_SKIP() << "this CPU has no " << row.name;
  std::mt19937 generator(1);
  Threads one(1), three(3);
  for (const std::int64_t m : kAwkward)
    for (const std::int64_t n : kAwkward)
      for (const std::int64_t k : kAwkward) {
        if (m * n * k > 3'000'000) continue;
        const Product product = random_product(m, n, k, generator);
        const std::vector<float> expected = run(scalar_row(), product, one);
        ASSERT_EQ(run(row, product, one), expected) << m << "x" << n << "x" << k;
        ASSERT_EQ(run(row, product, three), expected) << m << "x" << n << "x" << k << ", threads";
      }
}

TEST_P(GemmF32Rows, CarrySumsAcrossBlocksOfDepth) {
  const GemmF32Row& row = gemm_f32_rows()[GetParam()];
  if (!cpu_has(row.isa)) GTEST_SKIP() << "this CPU has no " << row.name;
  std::mt19937 generator(2);
  Threads one(1), three(3);
  for (const std::int64_t k : {512, 513, 1025, 2049})
    for (const std::int64_t m : {1, 2, 7, 25}) {
      const Product product = random_product(m, 37, k, generator);
      const std::vector<float> expected = run(scalar_row(), product, one);
      ASSERT_EQ(run(row, product, three), expected) << m << "x" << 37 << "x" << k;
    }
}

TEST_P(GemmF32Rows, PassNaNThroughTheClamp) {
  const GemmF32Row& row = gemm_f32_rows()[GetParam()];
  if (!cpu_has(row.isa)) GTEST_SKIP() << "this CPU has no " << row.name;
  Threads one(1);
  const std::vector<float> a = {1.0f, std::numeric_limits<float>::quiet_NaN()}, b = {1.0f};
  const PackedF32 packed(row, matrix_f32(b.data(), 1, 1, 1));
  std::vector<float> c(2);
  gemm_f32(2, a.data(), 1, packed, c.data(), 1, {.lo = 0.0f, .hi = 0.5f}, one);
  EXPECT_EQ(c[0], 0.5f);
  EXPECT_TRUE(std::isnan(c[1]));
}

INSTANTIATE_TEST_SUITE_P(All, GemmF32Rows, testing::Range<std::size_t>(0, gemm_f32_rows().size()),
                         [](const auto& info) { return gemm_f32_rows()[info.param].name; });

TEST(GemmF32, ScalarRowMatchesDoubleLoops) {
  std::mt19937 generator(3);
  Threads one(1);
  for (const std::int64_t m : kAwkward)
    for (const std::int64_t n : {1, 17, 64})
      for (const std::int64_t k : kAwkward) {
        const Product p = random_product(m, n, k, generator);
        const std::vector<float> c = run(scalar_row(), p, one);
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (std::int64_t x = 0; x < k; ++x)
              sum += double{p.a[static_cast<std::size_t>(i * k + x)]} *
                     double{p.b[static_cast<std::size_t>(x * n + j)]};
            sum += double{p.bias[static_cast<std::size_t>(j)]};
            sum += double{p.residual[static_cast<std::size_t>(i * n + j)]};
            const double expected = std::min(3.0, std::max(-2.0, sum));
            ASSERT_NEAR(c[static_cast<std::size_t>(i * n + j)], expected, sum_tolerance(k));
          }
      }
}

TEST(GemmF32, NothingToSumGivesTheEpilogueOfZero) {
  Threads one(1);
  const PackedF32 packed(make_kernel_set().gemm_f32[0], matrix_f32(nullptr, 0, 2, 2));
  const std::vector<float> bias = {1.5f, -1.0f};
  std::vector<float> c(4, 9.0f);
  gemm_f32(2, nullptr, 0, packed, c.data(), 2, {.bias = bias.data(), .lo = 0.0f}, one);
  EXPECT_EQ(c, (std::vector<float>{1.5f, 0.0f, 1.5f, 0.0f}));
}

// [1 2; 3 4] · [5 6; 7 8]ᵀ: rows (1·5 + 2·6, 1·7 + 2·8), (3·5 + 4·6, 3·7 + 4·8).
TEST(GemmF32, TransposedRightHandSide) {
  Threads one(1);
  const std::vector<float> a = {1, 2, 3, 4}, b = {5, 6, 7, 8};
  const PackedF32 packed(*make_kernel_set().gemm_f32, matrix_f32(b.data(), 2, 2, 2, true));
  std::vector<float> c(4);
  gemm_f32(2, a.data(), 2, packed, c.data(), 2, {}, one);
  EXPECT_EQ(c, (std::vector<float>{17, 23, 39, 53}));
}

TEST(BatchedGemmF32, EachProductEqualsItsOwnGemm) {
  std::mt19937 generator(4);
  const KernelSet kernels = make_kernel_set();
  const std::int64_t m = 5, n = 19, k = 23;
  const std::vector<float> a = random_f32(4 * m * k, generator);
  const std::vector<float> b = random_f32(2 * n * k, generator);
  // B is stored [n, k] and shared by two products each.
  const std::vector<std::int64_t> a_steps = {0, m * k, 2 * m * k, 3 * m * k};
  const std::vector<std::int64_t> b_steps = {0, 0, n * k, n * k};
  for (const int count : {1, 3, 8}) {
    Threads threads(count), one(1);
    std::vector<float> c(static_cast<std::size_t>(4 * m * n));
    batched_gemm_f32(kernels,
                     {.batch = 4,
                      .m = m,
                      .a = a.data(),
                      .lda = k,
                      .b = matrix_f32(b.data(), k, n, k, true),
                      .a_steps = a_steps.data(),
                      .b_steps = b_steps.data(),
                      .c = c.data()},
                     threads);
    for (std::size_t i = 0; i < 4; ++i) {
      const PackedF32 packed(scalar_row(), matrix_f32(b.data() + b_steps[i], k, n, k, true));
      std::vector<float> expected(static_cast<std::size_t>(m * n));
      gemm_f32(m, a.data() + a_steps[i], k, packed, expected.data(), n, {}, one);
      const auto begin = c.begin() + static_cast<std::ptrdiff_t>(i) * m * n;
      EXPECT_EQ(std::vector<float>(begin, begin + m * n), expected) << i;
    }
  }
}

}  // namespace
}  // namespace q8
