#include "kernels/f32/conv_transpose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/conv_transpose_reach.h"
#include "kernels/f32/random.h"

namespace q8 {
namespace {

struct Case {
  ConvGeometry geometry;
  Spatial output_padding = {0, 0, 0};
  std::vector<float> in, weights, bias;
};

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

std::int64_t pick(std::mt19937& generator, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
}

Case random_case(std::mt19937& generator) {
  for (;;) {
    Case c;
    ConvGeometry& g = c.geometry;
    g.batch = pick(generator, 1, 2);
    for (std::size_t d = static_cast<std::size_t>(pick(generator, 0, 2)); d < 3; ++d) {
      g.input[d] = pick(generator, 1, 6);
      g.kernel[d] = pick(generator, 1, 4);
      g.stride[d] = pick(generator, 1, 3);
      g.dilation[d] = pick(generator, 1, 3);
      g.pad_begin[d] = pick(generator, 0, 2);
      g.pad_end[d] = pick(generator, 0, 2);
      c.output_padding[d] = pick(generator, 0, g.stride[d] - 1);
    }
    g.groups = pick(generator, 1, 3);
    g.in_channels = g.groups * pick(generator, 1, 9);
    g.out_channels = g.groups * pick(generator, 1, 35);
    if (product(conv_transpose_output(g, c.output_padding)) == 0) continue;
    c.in = random_f32(g.batch * product(g.input) * g.in_channels, generator);
    c.weights = random_f32(g.in_channels * g.out_channels_per_group() * g.taps(), generator);
    c.bias = random_f32(g.out_channels, generator);
    return c;
  }
}

std::vector<float> run(const KernelSet& kernels, const Case& c, Threads& threads) {
  const ConvTransposeF32 conv(kernels, c.geometry, c.weights.data(), c.bias.data(), -1.5f, 2.5f);
  const Spatial size = conv_transpose_output(c.geometry, c.output_padding);
  std::vector<float> out(at(c.geometry.batch * product(size) * c.geometry.out_channels),
                         std::nanf(""));
  conv.run(c.geometry, size, c.in.data(), out.data(), threads);
  return out;
}

std::vector<double> naive(const Case& c) {
  const ConvGeometry& g = c.geometry;
  const Spatial size = conv_transpose_output(g, c.output_padding);
  const std::int64_t columns = g.out_channels_per_group();
  std::vector<double> out(at(g.batch * product(size) * g.out_channels));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = double{c.bias[i % static_cast<std::size_t>(g.out_channels)]};
  for_each_reach(g, size, [&](std::int64_t i, std::int64_t tap, std::int64_t pixel) {
    for (std::int64_t a = 0; a < g.in_channels; ++a)
      for (std::int64_t j = 0; j < columns; ++j)
        out[at(pixel * g.out_channels + a / g.in_channels_per_group() * columns + j)] +=
            double{c.in[at(i * g.in_channels + a)]} *
            double{c.weights[at((a * columns + j) * g.taps() + tap)]};
  });
  for (double& value : out) value = std::min(2.5, std::max(-1.5, value));
  return out;
}

TEST(ConvTransposeF32, MatchesScatteringLoops) {
  std::mt19937 generator(21);
  Threads one(1);
  for (int i = 0; i < 60; ++i) {
    const Case c = random_case(generator);
    const std::vector<float> out = run(make_kernel_set(Isa::kScalar), c, one);
    const std::vector<double> expected = naive(c);
    ASSERT_EQ(out.size(), expected.size());
    for (std::size_t j = 0; j < out.size(); ++j)
      ASSERT_NEAR(out[j], expected[j],
                  sum_tolerance(c.geometry.taps() * c.geometry.in_channels_per_group()));
  }
}

TEST(ConvTransposeF32, GivesTheSameBitsOnAllRowsAndThreads) {
  std::mt19937 generator(22);
  Threads one(1), three(3);
  for (int i = 0; i < 60; ++i) {
    const Case c = random_case(generator);
    const std::vector<float> expected = run(make_kernel_set(Isa::kScalar), c, one);
    for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
      if (!cpu_has(isa)) continue;  // the GemmF32Rows tests count this as skipped
      ASSERT_EQ(run(make_kernel_set(isa), c, three), expected) << isa_name(isa);
    }
  }
}

// Stride 2, kernel 1: outputs between the inputs have no tap and are the bias alone.
TEST(ConvTransposeF32, OutputsWithoutTapsAreTheBias) {
  const ConvGeometry g{.input = {1, 1, 2}, .stride = {1, 1, 2}};
  const std::vector<float> in = {3, 5}, weights = {2}, bias = {1};
  std::vector<float> out(4);
  Threads one(1);
  const ConvTransposeF32 conv(make_kernel_set(), g, weights.data(), bias.data());
  const Spatial size = conv_transpose_output(g, {0, 0, 1});
  EXPECT_EQ(size, (Spatial{1, 1, 4}));
  conv.run(g, size, in.data(), out.data(), one);
  EXPECT_EQ(out, (std::vector<float>{7, 1, 11, 1}));
}

}  // namespace
}  // namespace q8
