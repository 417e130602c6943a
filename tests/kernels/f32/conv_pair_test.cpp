#include "kernels/f32/conv_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/f32/random.h"

namespace q8 {
namespace {

constexpr float kLow = -0.5f, kHigh = 0.75f;  // of what is between

struct Pair {
  ConvGeometry conv, depthwise;
  std::vector<float> in, first, first_bias, second, second_bias;
};

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

Pair random_pair(const ConvGeometry& conv, const ConvGeometry& g, std::mt19937& generator) {
  return {conv,
          g,
          random_f32(conv.batch * product(conv.input) * conv.in_channels, generator),
          random_f32(g.in_channels * conv.in_channels * conv.taps(), generator),
          random_f32(g.in_channels, generator),
          random_f32(g.in_channels * g.taps(), generator),
          random_f32(g.in_channels, generator)};
}

// What makes the input of that depthwise convolution from an image of as many pixels.
ConvGeometry pointwise(std::int64_t in_channels, const ConvGeometry& depthwise) {
  return {.batch = depthwise.batch,
          .in_channels = in_channels,
          .out_channels = depthwise.in_channels,
          .input = depthwise.input};
}

ConvGeometry depthwise(std::int64_t channels, const Spatial& input, std::int64_t kernel,
                       std::int64_t stride, std::int64_t pad) {
  return {.in_channels = channels,
          .out_channels = channels,
          .groups = channels,
          .input = input,
          .kernel = {1, kernel, kernel},
          .stride = {1, stride, stride},
          .pad_begin = {0, pad, pad},
          .pad_end = {0, pad, pad}};
}

std::int64_t pick(std::mt19937& generator, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
}

ConvGeometry random_depthwise(std::mt19937& generator) {
  for (;;) {
    ConvGeometry g = depthwise(pick(generator, 2, 100), {1, 1, 1}, 1, 1, 0);
    g.batch = pick(generator, 1, 3);
    for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
      g.input[d] = pick(generator, 0, 20);
      g.kernel[d] = pick(generator, 1, 5);
      g.stride[d] = pick(generator, 1, 3);
      g.dilation[d] = pick(generator, 1, 2);
      g.pad_begin[d] = pick(generator, 0, 6);
      g.pad_end[d] = pick(generator, 0, 6);
    }
    if (product(g.output()) > 0) return g;
  }
}

std::vector<float> run(Isa isa, const Pair& p, int thread_count) {
  const ConvPairF32 pair(make_kernel_set(isa), p.conv,
                         {p.first.data(), p.first_bias.data(), {.lo = kLow, .hi = kHigh}},
                         p.depthwise, {p.second.data(), p.second_bias.data()});
  const ConvGeometry& g = p.depthwise;
  std::vector<float> out(at(g.batch * product(g.output()) * g.out_channels), std::nanf(""));
  Threads threads(thread_count);
  pair.run(p.conv, g, p.in.data(), out.data(), threads);
  return out;
}

// visit(tap, pixel): what output (y, x) reads.
template <typename Visit>
void for_taps_inside(const ConvGeometry& g, std::int64_t y, std::int64_t x, const Visit& visit) {
  for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
    const std::int64_t iy = y * g.stride[1] - g.pad_begin[1] + tap / g.kernel[2] * g.dilation[1];
    const std::int64_t ix = x * g.stride[2] - g.pad_begin[2] + tap % g.kernel[2] * g.dilation[2];
    if (iy >= 0 && iy < g.input[1] && ix >= 0 && ix < g.input[2]) visit(tap, iy * g.input[2] + ix);
  }
}

// By pixel and channel.
std::vector<double> between(const Pair& p) {
  const ConvGeometry& g = p.conv;
  const Spatial size = g.output();
  std::vector<double> made;
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t y = 0; y < size[1]; ++y)
      for (std::int64_t x = 0; x < size[2]; ++x)
        for (std::int64_t channel = 0; channel < g.out_channels; ++channel) {
          double sum = double{p.first_bias[at(channel)]};
          for_taps_inside(g, y, x, [&](std::int64_t tap, std::int64_t pixel) {
            for (std::int64_t k = 0; k < g.in_channels; ++k)
              sum += double{p.in[at((n * product(g.input) + pixel) * g.in_channels + k)]} *
                     double{p.first[at((channel * g.in_channels + k) * g.taps() + tap)]};
          });
          made.push_back(std::min(double{kHigh}, std::max(double{kLow}, sum)));
        }
  return made;
}

void expect_naive(const Pair& p, const std::vector<float>& out) {
  const ConvGeometry& g = p.depthwise;
  const Spatial size = g.output();
  const std::vector<double> input = between(p);
  const double tolerance =
      static_cast<double>(g.taps()) * sum_tolerance(p.conv.in_channels * p.conv.taps()) +
      sum_tolerance(g.taps());
  std::int64_t i = 0;
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t y = 0; y < size[1]; ++y)
      for (std::int64_t x = 0; x < size[2]; ++x)
        for (std::int64_t c = 0; c < g.out_channels; ++c, ++i) {
          double sum = double{p.second_bias[at(c)]};
          for_taps_inside(g, y, x, [&](std::int64_t tap, std::int64_t pixel) {
            sum += input[at((n * product(g.input) + pixel) * g.in_channels + c)] *
                   double{p.second[at(c * g.taps() + tap)]};
          });
          ASSERT_NEAR(out[at(i)], sum, tolerance) << "output " << y << ',' << x << ',' << c;
        }
}

void expect_same_bits(const Pair& p, const std::vector<float>& expected) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (!cpu_has(isa)) continue;  // the GemmF32Rows tests count this as skipped
    for (const int threads : {1, 2, 3})
      ASSERT_EQ(run(isa, p, threads), expected) << isa_name(isa) << ' ' << threads << " threads";
  }
}

TEST(ConvPairF32, EqualsTheTwoConvolutionsOnAllRowsAndThreads) {
  std::mt19937 generator(21);
  for (int i = 0; i < 40; ++i) {
    const ConvGeometry g = random_depthwise(generator);
    const Pair p = random_pair(pointwise(pick(generator, 1, 40), g), g, generator);
    const std::vector<float> out = run(Isa::kScalar, p, 1);
    expect_naive(p, out);
    expect_same_bits(p, out);
    if (HasFatalFailure()) return;
  }
}

// A first convolution that reads neighbours too, with padding, of few channels (kernel rows as
// taps) and of more.
TEST(ConvPairF32, TheFirstMayHaveAnyKernel) {
  std::mt19937 generator(23);
  for (int i = 0; i < 60;) {
    ConvGeometry conv{.batch = pick(generator, 1, 2),
                      .in_channels = pick(generator, 1, 12),
                      .out_channels = pick(generator, 2, 70)};
    for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
      conv.input[d] = pick(generator, 1, 40);
      conv.kernel[d] = pick(generator, 1, 6);
      conv.stride[d] = pick(generator, 1, 2);
      conv.dilation[d] = pick(generator, 1, 2);
      conv.pad_begin[d] = pick(generator, 0, 3);
      conv.pad_end[d] = pick(generator, 0, 3);
    }
    if (product(conv.output()) == 0) continue;
    ConvGeometry g = depthwise(conv.out_channels, conv.output(), pick(generator, 1, 2) * 2 + 1,
                               pick(generator, 1, 2), pick(generator, 1, 2));
    g.batch = conv.batch;
    if (product(g.output()) == 0 || !ConvPairF32::can(conv, g)) continue;
    ++i;
    const Pair p = random_pair(conv, g, generator);
    const std::vector<float> out = run(Isa::kScalar, p, 1);
    expect_naive(p, out);
    expect_same_bits(p, out);
    if (HasFatalFailure()) return;
  }
}

// Products of Winograd's form have other bits; groups and long sums are not done in bands.
TEST(ConvPairF32, RefusesWhatItCannot) {
  const ConvGeometry g = depthwise(64, {1, 20, 20}, 3, 1, 1);
  ConvGeometry conv = pointwise(64, g);
  EXPECT_TRUE(ConvPairF32::can(conv, g));
  conv.kernel = {1, 3, 3};
  EXPECT_FALSE(ConvPairF32::can(conv, g));  // Winograd
  conv.stride = {1, 2, 2};
  EXPECT_FALSE(ConvPairF32::can(conv, g));  // 576 terms
  conv.in_channels = 3;
  EXPECT_TRUE(ConvPairF32::can(conv, g));
  conv.out_channels = 32;
  EXPECT_FALSE(ConvPairF32::can(conv, g));
}

// Images of several bands, and of several blocks of panels.
TEST(ConvPairF32, LargeImagesAreMadeInBandsAndBlocks) {
  std::mt19937 generator(22);
  for (const ConvGeometry& g :
       {depthwise(100, {1, 70, 61}, 3, 2, 1), depthwise(70, {1, 33, 90}, 5, 1, 2),
        depthwise(300, {1, 9, 11}, 5, 1, 2)}) {
    const Pair p = random_pair(pointwise(5, g), g, generator);
    const std::vector<float> out = run(Isa::kScalar, p, 1);
    expect_naive(p, out);
    expect_same_bits(p, out);
  }
}

}  // namespace
}  // namespace q8
