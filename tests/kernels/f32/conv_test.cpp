#include "kernels/f32/conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "kernels/f32/random.h"

namespace q8 {
namespace {

struct Case {
  ConvGeometry geometry;
  std::vector<float> in, weights, bias, residual;
};

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

Case random_data(const ConvGeometry& g, std::mt19937& generator) {
  return {g, random_f32(g.batch * product(g.input) * g.in_channels, generator),
          random_f32(g.out_channels * g.in_channels_per_group() * g.taps(), generator),
          random_f32(g.out_channels, generator),
          random_f32(g.batch * product(g.output()) * g.out_channels, generator)};
}

std::int64_t pick(std::mt19937& generator, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
}

enum class Kind { kPlain, kGrouped, kDepthwise, kMultiplier, kStem, kWinograd };

// Of one to three dimensions, with everything that can differ different.
ConvGeometry random_geometry(Kind kind, std::mt19937& generator) {
  for (;;) {
    ConvGeometry g;
    g.batch = pick(generator, 1, 2);
    for (std::size_t d = static_cast<std::size_t>(pick(generator, 0, 2)); d < 3; ++d) {
      g.input[d] = pick(generator, 1, 11);
      g.kernel[d] = pick(generator, 1, 4);
      g.stride[d] = pick(generator, 1, 3);
      g.dilation[d] = pick(generator, 1, 2);
      g.pad_begin[d] = pick(generator, 0, 3);
      g.pad_end[d] = pick(generator, 0, 3);
    }
    const std::int64_t channels = pick(generator, 1, 70);
    g.in_channels = channels;
    g.out_channels = pick(generator, 1, 40);
    if (kind == Kind::kGrouped) {
      g.groups = pick(generator, 2, 4);
      g.in_channels = g.groups * pick(generator, 2, 20);
      g.out_channels *= g.groups;
    } else if (kind == Kind::kDepthwise || kind == Kind::kMultiplier) {
      g.groups = channels;
      g.out_channels = channels * (kind == Kind::kDepthwise ? 1 : pick(generator, 2, 10));
    } else if (kind == Kind::kStem) {
      g.in_channels = pick(generator, 1, 4);
      g.dilation[2] = 1;
    } else if (kind == Kind::kWinograd) {
      g.kernel = {1, 3, 3};
      g.stride = g.dilation = {1, 1, 1};
      g.in_channels = pick(generator, 24, 70);
      g.out_channels = pick(generator, 24, 70);
    }
    if (product(g.output()) > 0) return g;
  }
}

std::string text(const ConvGeometry& g) {
  std::ostringstream out;
  const auto list = [&](const char* name, const Spatial& s) {
    out << ' ' << name << ' ' << s[0] << ',' << s[1] << ',' << s[2];
  };
  out << "batch " << g.batch << " channels " << g.in_channels << "→" << g.out_channels << " group "
      << g.groups;
  list("input", g.input);
  list("kernel", g.kernel);
  list("stride", g.stride);
  list("dilation", g.dilation);
  list("pads", g.pad_begin);
  list("and", g.pad_end);
  return out.str();
}

std::vector<float> run(const KernelSet& kernels, const Case& c, Threads& threads) {
  const ConvF32 conv(kernels, c.geometry, c.weights.data(), c.bias.data(),
                     {.lo = -1.5f, .hi = 2.5f});
  std::vector<float> out(c.residual.size(), std::nanf(""));
  conv.run(c.geometry, c.in.data(), out.data(), c.residual.data(), threads);
  return out;
}

// The definition, in double, at one output position.
double naive(const Case& c, std::int64_t n, const Spatial& o, std::int64_t channel) {
  const ConvGeometry& g = c.geometry;
  const std::int64_t per_group = g.in_channels_per_group();
  const std::int64_t group = channel / g.out_channels_per_group();
  double sum = double{c.bias[at(channel)]};
  for (std::int64_t z = 0; z < g.kernel[0]; ++z)
    for (std::int64_t y = 0; y < g.kernel[1]; ++y)
      for (std::int64_t x = 0; x < g.kernel[2]; ++x) {
        const std::int64_t iz = o[0] * g.stride[0] - g.pad_begin[0] + z * g.dilation[0];
        const std::int64_t iy = o[1] * g.stride[1] - g.pad_begin[1] + y * g.dilation[1];
        const std::int64_t ix = o[2] * g.stride[2] - g.pad_begin[2] + x * g.dilation[2];
        if (iz < 0 || iz >= g.input[0] || iy < 0 || iy >= g.input[1] || ix < 0 || ix >= g.input[2])
          continue;
        const std::int64_t pixel = ((n * g.input[0] + iz) * g.input[1] + iy) * g.input[2] + ix;
        for (std::int64_t k = 0; k < per_group; ++k)
          sum +=
              double{c.in[at(pixel * g.in_channels + group * per_group + k)]} *
              double{c.weights[at(
                  (((channel * per_group + k) * g.kernel[0] + z) * g.kernel[1] + y) * g.kernel[2] +
                  x)]};
      }
  return sum;
}

void expect_naive(const Case& c, const std::vector<float>& out) {
  const ConvGeometry& g = c.geometry;
  const Spatial size = g.output();
  std::int64_t i = 0;
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t z = 0; z < size[0]; ++z)
      for (std::int64_t y = 0; y < size[1]; ++y)
        for (std::int64_t x = 0; x < size[2]; ++x)
          for (std::int64_t channel = 0; channel < g.out_channels; ++channel, ++i) {
            const double sum = naive(c, n, {z, y, x}, channel) + double{c.residual[at(i)]};
            ASSERT_NEAR(out[at(i)], std::min(2.5, std::max(-1.5, sum)),
                        sum_tolerance(g.taps() * g.in_channels_per_group()))
                << text(g);
          }
}

class ConvF32Kinds : public testing::TestWithParam<Kind> {};

TEST_P(ConvF32Kinds, MatchNaiveLoops) {
  std::mt19937 generator(11);
  Threads one(1);
  for (int i = 0; i < 30; ++i) {
    const Case c = random_data(random_geometry(GetParam(), generator), generator);
    expect_naive(c, run(make_kernel_set(Isa::kScalar), c, one));
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvF32Kinds, GiveTheSameBitsOnAllRowsAndThreads) {
  std::mt19937 generator(12);
  Threads one(1), three(3);
  for (int i = 0; i < 60; ++i) {
    const Case c = random_data(random_geometry(GetParam(), generator), generator);
    const std::vector<float> expected = run(make_kernel_set(Isa::kScalar), c, one);
    for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
      if (!cpu_has(isa)) continue;  // the GemmF32Rows tests count this as skipped
      ASSERT_EQ(run(make_kernel_set(isa), c, one), expected) << isa_name(isa) << text(c.geometry);
      ASSERT_EQ(run(make_kernel_set(isa), c, three), expected) << isa_name(isa) << text(c.geometry);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvF32Kinds,
                         testing::Values(Kind::kPlain, Kind::kGrouped, Kind::kDepthwise,
                                         Kind::kMultiplier, Kind::kStem, Kind::kWinograd));

TEST(ConvF32, LargeImagesTakeSeveralTasksAndBlocks) {
  std::mt19937 generator(13);
  ConvGeometry g{.in_channels = 80, .out_channels = 70, .input = {1, 19, 23}, .kernel = {1, 3, 3}};
  g.pad_begin = g.pad_end = {0, 1, 1};
  Threads one(1), two(2);
  for (const std::int64_t dilation : {1, 2}) {  // by Winograd's way and by the definition
    g.dilation = {1, dilation, dilation};
    const Case c = random_data(g, generator);
    const std::vector<float> expected = run(make_kernel_set(Isa::kScalar), c, one);
    expect_naive(c, expected);
    EXPECT_EQ(run(make_kernel_set(), c, two), expected);
  }
}

// 3×3 of twos over 3×5 of ones in 24 channels: 48 for each tap inside, by sums that are all exact.
TEST(ConvF32, WinogradIsExactOnSmallIntegers) {
  const ConvGeometry g{.in_channels = 24,
                       .out_channels = 24,
                       .input = {1, 3, 5},
                       .kernel = {1, 3, 3},
                       .pad_begin = {0, 1, 1},
                       .pad_end = {0, 1, 1}};
  const std::vector<float> weights(24 * 24 * 9, 2.0f), in(15 * 24, 1.0f);
  std::vector<float> out(15 * 24);
  Threads one(1);
  ConvF32(make_kernel_set(), g, weights.data(), nullptr)
      .run(g, in.data(), out.data(), nullptr, one);
  const std::vector<float> taps = {4, 6, 6, 6, 4, 6, 9, 9, 9, 6, 4, 6, 6, 6, 4};
  for (std::size_t pixel = 0; pixel < 15; ++pixel)
    for (std::size_t c = 0; c < 24; ++c) EXPECT_EQ(out[pixel * 24 + c], 48 * taps[pixel]);
}

// 3×3 of ones over 2×2 of ones with a border of one zero: four inputs are inside everywhere.
TEST(ConvF32, PaddingIsZero) {
  const ConvGeometry g{
      .input = {1, 2, 2}, .kernel = {1, 3, 3}, .pad_begin = {0, 1, 1}, .pad_end = {0, 1, 1}};
  const std::vector<float> weights(9, 1.0f), in = {1, 2, 4, 8};
  std::vector<float> out(4);
  Threads one(1);
  ConvF32(make_kernel_set(), g, weights.data(), nullptr)
      .run(g, in.data(), out.data(), nullptr, one);
  EXPECT_EQ(out, (std::vector<float>(4, 15.0f)));
}

TEST(ConvF32, GroupThatDoesNotDivideIsAnError) {
  const ConvGeometry g{.in_channels = 32, .out_channels = 32, .groups = 3};
  const std::vector<float> weights(32 * 32);
  EXPECT_THROW(ConvF32(make_kernel_set(), g, weights.data(), nullptr), Error);
}

}  // namespace
}  // namespace q8
