#include "kernels/int8/conv_chain_u8s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "base/rounding.h"

namespace q8 {
namespace {

constexpr std::int32_t kZeroPoint = 100;  // of every image of bytes

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

struct Link {
  ConvGeometry g;
  std::vector<std::int8_t> weights;
  float multiplier;

  Link(const ConvGeometry& geometry, std::mt19937& random)
      : g(geometry), weights(at(g.out_channels * g.in_channels_per_group() * g.taps())) {
    for (std::int8_t& w : weights) w = static_cast<std::int8_t>(pick(random, -128, 127));
    // Sums fill the range of bytes.
    multiplier = 0.01f / std::sqrt(static_cast<float>(g.in_channels_per_group() * g.taps()));
  }

  // ONNX QLinearConv by its definition.
  std::vector<std::uint8_t> apply(const std::vector<std::uint8_t>& in) const {
    const Spatial out = g.output();
    std::vector<std::uint8_t> made;
    for (std::int64_t pixel = 0; pixel < g.batch * product(out); ++pixel)
      for (std::int64_t n = 0; n < g.out_channels; ++n) {
        const std::int64_t image = pixel / product(out), y = pixel / out[2] % out[1];
        const float sum = static_cast<float>(sum_at(in, image, y, pixel % out[2], n));
        made.push_back(static_cast<std::uint8_t>(std::clamp(
            round_half_even(sum * multiplier) + static_cast<float>(kZeroPoint), 0.0f, 255.0f)));
      }
    return made;
  }

  std::int32_t sum_at(const std::vector<std::uint8_t>& in, std::int64_t image, std::int64_t y,
                      std::int64_t x, std::int64_t n) const {
    const std::int64_t channels = g.in_channels_per_group();
    const std::int64_t first = n / g.out_channels_per_group() * channels;
    std::int32_t sum = 0;
    for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
      const std::int64_t iy = y * g.stride[1] - g.pad_begin[1] + tap / g.kernel[2] * g.dilation[1];
      const std::int64_t ix = x * g.stride[2] - g.pad_begin[2] + tap % g.kernel[2] * g.dilation[2];
      if (iy < 0 || iy >= g.input[1] || ix < 0 || ix >= g.input[2]) continue;
      const std::int64_t pixel = (image * g.input[1] + iy) * g.input[2] + ix;
      for (std::int64_t c = 0; c < channels; ++c)
        sum += (in[at(pixel * g.in_channels + first + c)] - kZeroPoint) *
               weights[at((n * channels + c) * g.taps() + tap)];
    }
    return sum;
  }
};

// The definition against the chain, on all rows and several threads.
void expect_definition(const std::vector<Link>& links, std::mt19937& random) {
  const ConvGeometry& first = links.front().g;
  std::vector<std::uint8_t> in(at(first.batch * product(first.input) * first.in_channels));
  for (std::uint8_t& byte : in) byte = static_cast<std::uint8_t>(pick(random, 0, 255));
  std::vector<std::uint8_t> expected = in;
  for (const Link& link : links) expected = link.apply(expected);
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kAmx}) {
    if (!cpu_has(isa)) continue;  // the ConvU8S8Rows tests count this as skipped
    const KernelSet kernels = make_kernel_set(isa);
    std::vector<ConvU8S8> convs;
    std::vector<ConvU8S8::Epilogue> epilogues;
    for (const Link& link : links) {
      convs.emplace_back(kernels, link.g, ConvWeightsU8S8{.data = link.weights.data()});
      const OutputU8S8 output{
          .kind = OutputKind::kByte, .multiplier = {&link.multiplier, 1}, .zero_point = kZeroPoint};
      epilogues.push_back(convs.back().make_epilogue(false, kZeroPoint, output));
    }
    std::vector<ConvLinkU8S8> chain;
    for (std::size_t i = 0; i < links.size(); ++i)
      chain.push_back({.conv = &convs[i], .epilogue = &epilogues[i], .geometry = links[i].g});
    for (const int count : {1, 2, 3}) {
      Threads threads(count);
      std::vector<std::uint8_t> out(expected.size(), 7);
      run_conv_chain_u8s8(chain, in.data(), out.data(), threads);
      ASSERT_EQ(out, expected) << isa_name(isa) << ' ' << count << " threads";
    }
  }
}

ConvGeometry pointwise(const ConvGeometry& before, std::int64_t out_channels) {
  return {.batch = before.batch,
          .in_channels = before.out_channels,
          .out_channels = out_channels,
          .input = before.output()};
}

ConvGeometry depthwise(const ConvGeometry& before, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t channels = before.out_channels;
  return {.batch = before.batch,
          .in_channels = channels,
          .out_channels = channels,
          .groups = channels,
          .input = before.output(),
          .kernel = {1, kernel, kernel},
          .stride = {1, stride, stride},
          .pad_begin = {0, kernel / 2, kernel / 2},
          .pad_end = {0, kernel / 2, kernel / 2}};
}

std::vector<Link> mobile_block(const ConvGeometry& expand, std::int64_t kernel, std::int64_t stride,
                               std::int64_t channels, std::mt19937& random) {
  const ConvGeometry middle = depthwise(expand, kernel, stride);
  return {{expand, random}, {middle, random}, {pointwise(middle, channels), random}};
}

TEST(ConvChainU8S8, EqualsTheDefinitionOfEachInTurn) {
  std::mt19937 random(11);
  for (int round = 0; round < 25; ++round) {
    ConvGeometry first{.batch = pick(random, 1, 3),
                       .in_channels = pick(random, 1, 20),
                       .out_channels = pick(random, 2, 40)};
    std::vector<Link> links;
    do {
      for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
        first.input[d] = pick(random, 1, 24);
        first.kernel[d] = pick(random, 1, 3);
        first.stride[d] = pick(random, 1, 2);
        first.pad_begin[d] = pick(random, 0, 4);  // some lines of nothing but padding too
        first.pad_end[d] = pick(random, 0, 2);
      }
    } while (product(first.output()) == 0);
    expect_definition(mobile_block(first, 2 * pick(random, 0, 2) + 1, pick(random, 1, 2),
                                   pick(random, 1, 20), random),
                      random);
    if (HasFatalFailure()) return;
  }
}

// Of more bytes than a band may have between two links, and of few lines, which are not shared out.
TEST(ConvChainU8S8, ImagesOfSeveralBandsAndOfFewLines) {
  std::mt19937 random(12);
  const ConvGeometry wide{.in_channels = 4, .out_channels = 200, .input = {1, 60, 70}};
  expect_definition(mobile_block(wide, 3, 2, 6, random), random);
  const ConvGeometry low{.in_channels = 4, .out_channels = 40, .input = {1, 7, 7}};
  expect_definition(mobile_block(low, 5, 1, 6, random), random);
}

}  // namespace
}  // namespace q8
