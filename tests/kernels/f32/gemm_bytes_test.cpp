#include "kernels/f32/gemm_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/f32/random.h"

namespace q8 {
namespace {

struct Product {
  std::int64_t m, n, k;
  bool is_signed;
  std::vector<float> a, scale, bias, residual;
  std::vector<std::int32_t> zero_point;
  std::vector<std::uint8_t> bytes;  // [n][k]
};

Product random_product(std::int64_t m, std::int64_t n, std::int64_t k, bool per_column,
                       std::mt19937& generator) {
  Product p{.m = m,
            .n = n,
            .k = k,
            .is_signed = per_column,
            .a = random_f32(m * k, generator),
            .scale = random_f32(per_column ? n : 1, generator),
            .bias = random_f32(n, generator),
            .residual = random_f32(m * n, generator),
            .zero_point = {},
            .bytes = {}};
  for (float& scale : p.scale) scale = std::abs(scale) + 0.01f;
  std::uniform_int_distribution<int> byte(0, 255), zero(-20, 20);
  for (std::size_t i = 0; i < p.scale.size(); ++i)
    p.zero_point.push_back(zero(generator) + (per_column ? 0 : 128));
  for (std::int64_t i = 0; i < n * k; ++i)
    p.bytes.push_back(static_cast<std::uint8_t>(byte(generator)));
  return p;
}

// By the definition: weights are floats by DequantizeLinear's formula, sums are chains of fused
// multiply-adds.
std::vector<float> defined(const Product& p) {
  std::vector<float> c;
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      const auto column = static_cast<std::size_t>(p.scale.size() == 1 ? 0 : j);
      float sum = 0;
      for (std::int64_t x = 0; x < p.k; ++x) {
        const std::uint8_t byte = p.bytes[static_cast<std::size_t>(j * p.k + x)];
        const int q = p.is_signed ? static_cast<std::int8_t>(byte) : byte;
        const float weight = static_cast<float>(q - p.zero_point[column]) * p.scale[column];
        sum = std::fma(p.a[static_cast<std::size_t>(i * p.k + x)], weight, sum);
      }
      sum += p.bias[static_cast<std::size_t>(j)];
      sum += p.residual[static_cast<std::size_t>(i * p.n + j)];
      c.push_back(std::min(9.0f, std::max(-7.0f, sum)));
    }
  return c;
}

std::vector<float> run(const KernelSet& kernels, const Product& p, Threads& threads) {
  std::vector<float> c(static_cast<std::size_t>(p.m * p.n), std::nanf(""));
  const PackedBytesF32 packed(
      kernels,
      {.data = p.bytes.data(), .n = p.n, .k = p.k, .format = {p.scale, p.zero_point, p.is_signed}});
  gemm_f32_bytes(p.m, p.a.data(), p.k, packed, c.data(), p.n,
                 {.bias = p.bias.data(),
                  .residual = p.residual.data(),
                  .ld_residual = p.n,
                  .lo = -7.0f,
                  .hi = 9.0f},
                 threads);
  return c;
}

TEST(GemmF32Bytes, EveryInstructionSetGivesTheDefinitionsBits) {
  std::mt19937 generator(1);
  Threads one(1), three(3);
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, best_isa()}) {
    if (!cpu_has(isa)) continue;
    const KernelSet kernels = make_kernel_set(isa);
    for (const std::int64_t m : {1, 2, 13, 65})
      for (const std::int64_t n : {1, 17, 64, 129, 257})
        for (const std::int64_t k : {1, 16, 63, 65, 257}) {
          const Product p = random_product(m, n, k, n % 2 == 0 || m == 1, generator);
          const std::vector<float> expected = defined(p);
          ASSERT_EQ(run(kernels, p, one), expected) << m << "x" << n << "x" << k;
          ASSERT_EQ(run(kernels, p, three), expected) << m << "x" << n << "x" << k << ", threads";
        }
  }
}

}  // namespace
}  // namespace q8
