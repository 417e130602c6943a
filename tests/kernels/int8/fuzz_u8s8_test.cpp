// Every row of byte kernels against the scalar one on random problems, for a bounded time.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/int8/conv_u8s8.h"
#include "kernels/int8/gemm_u8s8.h"

namespace q8 {
namespace {

constexpr auto kTime = std::chrono::seconds(4);  // each of the two

class Dice {
 public:
  explicit Dice(std::uint32_t seed) : random_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint32_t>(high - low + 1));
  }
  bool once_in(std::int64_t n) { return between(1, n) == 1; }
  std::int64_t size(std::int64_t most) {  // mostly small, often beside a power of two
    if (once_in(3)) return between(1, most);
    return std::min(most, std::max<std::int64_t>(1, (1 << between(0, 8)) + between(-1, 1)));
  }
  std::vector<std::uint8_t> bytes(std::int64_t count) {
    const bool extremes = once_in(3);
    constexpr std::uint8_t kExtreme[] = {0, 255, 128, 127};
    std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
    for (std::uint8_t& byte : out)
      byte = extremes ? kExtreme[random_() % 4] : static_cast<std::uint8_t>(random_());
    return out;
  }

 private:
  std::mt19937 random_;
};

// The numbers of an epilogue, and the OutputU8S8 that views them.
struct RandomOutput {
  RandomOutput(Dice& dice, std::int64_t n) {
    output.kind = static_cast<OutputKind>(dice.between(0, 2));
    for (std::int64_t j = 0; j < n; ++j) {
      bias.push_back(static_cast<std::int32_t>(dice.between(-2'000'000'000, 2'000'000'000) >>
                                               dice.between(0, 31)));
      multiplier.push_back(static_cast<float>(dice.between(1, 1'000'000)) *
                           (dice.once_in(9) ? 1.0f : 1e-9f));
      float_bias.push_back(static_cast<float>(dice.between(-1000, 1000)) * 0.37f);
    }
    if (dice.once_in(3)) multiplier.resize(1);
    if (!dice.once_in(4)) output.bias = bias;
    output.multiplier = multiplier;
    if (output.kind == OutputKind::kF32 && !dice.once_in(3)) output.float_bias = float_bias;
    if (dice.once_in(3)) output.float_low = 0;
    const bool is_signed = dice.once_in(2);
    const std::int32_t least = is_signed ? -128 : 0;
    output.zero_point = least + static_cast<std::int32_t>(dice.between(0, 255));
    output.low = dice.once_in(2) ? least : output.zero_point;
    output.high =
        dice.once_in(2)
            ? least + 255
            : output.low + static_cast<std::int32_t>(dice.between(0, least + 255 - output.low));
  }
  std::vector<std::int32_t> bias;
  std::vector<float> multiplier, float_bias;
  OutputU8S8 output;
};

// Runs compare(round) until the time is over.
template <typename Compare>
void fuzz(Compare&& compare) {
  const auto end = std::chrono::steady_clock::now() + kTime;
  std::uint32_t round = 0;
  for (; std::chrono::steady_clock::now() < end && !testing::Test::HasFatalFailure(); ++round)
    compare(round);
  EXPECT_GT(round, 20u);
  testing::Test::RecordProperty("rounds", static_cast<int>(round));
}

TEST(FuzzU8S8, ProductsAreTheSameFromEveryRow) {
  fuzz([](std::uint32_t round) {
    Dice dice(round);
    const std::int64_t m = dice.size(70), n = dice.size(140), k = dice.size(300);
    const std::int64_t a_stride = k + (dice.once_in(2) ? 0 : dice.between(1, 9));
    const std::int64_t c_stride = n + (dice.once_in(2) ? 0 : dice.between(1, 9));
    const bool transposed = dice.once_in(2), b_signed = !dice.once_in(4);
    const std::vector<std::uint8_t> a = dice.bytes(m * a_stride), b = dice.bytes(k * n);
    const RandomOutput random(dice, n);
    const ActivationsView view{a.data(), dice.once_in(3),
                               static_cast<std::int32_t>(dice.between(0, 127)), a_stride};
    std::vector<std::int32_t> b_zero;
    for (std::int64_t j = dice.between(0, 2) * n / 2; j > 0; --j)
      b_zero.push_back(static_cast<std::int32_t>(dice.between(0, 127)));
    if (b_zero.size() != static_cast<std::size_t>(n)) b_zero.resize(b_zero.empty() ? 0 : 1);
    const int thread_count = static_cast<int>(dice.between(1, 2));
    const auto run = [&](const GemmU8S8Row& row) {
      std::vector<std::uint8_t> c(static_cast<std::size_t>(m * c_stride * 4), 0xa5);
      Threads threads(thread_count);
      gemm_u8s8(m, view,
                PackedS8(row, {.data = b.data(),
                               .is_signed = b_signed,
                               .k = k,
                               .n = n,
                               .stride_k = transposed ? 1 : n,
                               .stride_n = transposed ? k : 1,
                               .zero_point = b_zero}),
                random.output, c.data(), c_stride, threads);
      return c;
    };
    const std::vector<std::uint8_t> expected = run(gemm_u8s8_rows().back());
    for (const GemmU8S8Row& row : gemm_u8s8_rows())
      if (cpu_has(row.isa)) {
        ASSERT_TRUE(run(row) == expected)
            << row.name << ", round " << round << ": " << m << "x" << n << "x" << k;
      }
  });
}

ConvGeometry random_geometry(Dice& dice) {
  ConvGeometry g;
  g.batch = dice.between(1, 2);
  const bool depthwise = dice.once_in(3);
  g.groups = depthwise ? dice.size(140) : dice.once_in(4) ? dice.between(2, 3) : 1;
  g.in_channels = g.groups * (depthwise ? 1 : dice.size(40));
  g.out_channels = g.groups * (depthwise ? (dice.once_in(5) ? 2 : 1) : dice.size(40));
  for (std::size_t d = dice.once_in(6) ? 0 : 1; d < 3; ++d) {
    g.kernel[d] = dice.between(1, d == 0 ? 2 : 5);
    g.stride[d] = dice.between(1, 3);
    g.dilation[d] = dice.once_in(3) ? 2 : 1;
    g.pad_begin[d] = dice.between(0, 2);
    g.pad_end[d] = dice.between(0, 2);
    g.input[d] = dice.between(g.dilation[d] * (g.kernel[d] - 1) + 1, 12);
  }
  return g;
}

TEST(FuzzU8S8, ConvolutionsAreTheSameFromEveryRow) {
  fuzz([](std::uint32_t round) {
    Dice dice(round + 1'000'000);
    const ConvGeometry g = random_geometry(dice);
    const std::vector<std::uint8_t> input = dice.bytes(g.batch * product(g.input) * g.in_channels);
    const std::vector<std::uint8_t> weights =
        dice.bytes(g.out_channels * g.in_channels_per_group() * g.taps());
    const RandomOutput random(dice, g.out_channels);
    const bool input_signed = dice.once_in(3), weights_signed = !dice.once_in(4);
    const auto zero = static_cast<std::int32_t>(dice.between(0, 127));
    std::vector<std::int32_t> weight_zero;
    if (!weights_signed || dice.once_in(4))
      weight_zero.push_back(static_cast<std::int32_t>(dice.between(0, 127)));
    const std::int64_t outputs = g.batch * product(g.output()) * g.out_channels;
    const auto run = [&](Isa isa) {
      std::vector<std::uint8_t> out(static_cast<std::size_t>(outputs * 4), 0xa5);
      const ConvU8S8 conv(make_kernel_set(isa), g, {weights.data(), weights_signed, weight_zero});
      Threads threads(1);
      conv.run(g, input.data(), conv.make_epilogue(input_signed, zero, random.output), out.data(),
               threads);
      return out;
    };
    const std::vector<std::uint8_t> expected = run(Isa::kScalar);
    for (const Isa isa : all_isas())
      if (cpu_has(isa)) {
        ASSERT_TRUE(run(isa) == expected)
            << isa_name(isa) << ", round " << round << ": channels " << g.in_channels << " to "
            << g.out_channels << ", groups " << g.groups << ", kernel " << g.kernel[1] << "x"
            << g.kernel[2];
      }
  });
}

}  // namespace
}  // namespace q8
