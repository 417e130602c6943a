#include "kernels/int8/conv_u8s8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/isa.h"

namespace q8 {
namespace {

struct Convolution {
  ConvGeometry g;
  bool input_signed = false, weights_signed = true;
  std::int32_t zero_point = 0;  // of the input
  std::vector<std::int32_t> weight_zero_point = {};
  std::vector<std::uint8_t> input = {}, weights = {};
  std::vector<std::int32_t> bias = {};

  void fill(std::uint32_t seed) {
    std::mt19937 random(seed);
    constexpr std::uint8_t kExtreme[] = {0, 255, 128, 127};
    const auto bytes = [&](std::int64_t count) {
      std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
      for (std::uint8_t& b : out)
        b = random() % 4 == 0 ? kExtreme[random() % 4] : static_cast<std::uint8_t>(random());
      return out;
    };
    input = bytes(g.batch * product(g.input) * g.in_channels);
    weights = bytes(g.out_channels * g.in_channels_per_group() * g.taps());
    bias.clear();
    for (std::int64_t n = 0; n < g.out_channels; ++n)
      bias.push_back(static_cast<std::int32_t>(random() % 20001) - 10000);
  }

  std::int64_t outputs() const { return g.batch * product(g.output()) * g.out_channels; }

  std::int64_t input_at(std::int64_t b, const Spatial& at, std::int64_t c) const {
    for (std::size_t d = 0; d < 3; ++d)
      if (at[d] < 0 || at[d] >= g.input[d]) return 0;
    const std::uint8_t byte = input[static_cast<std::size_t>(
        (((b * g.input[0] + at[0]) * g.input[1] + at[1]) * g.input[2] + at[2]) * g.in_channels +
        c)];
    return (input_signed ? static_cast<std::int8_t>(byte) : byte) - zero_point;
  }

  // The definition of ONNX ConvInteger, plus the bias.
  std::int64_t sum(std::int64_t b, const Spatial& o, std::int64_t n) const {
    const std::int64_t per_group = g.in_channels_per_group();
    const std::int64_t first = n / g.out_channels_per_group() * per_group;
    const auto zeros = weight_zero_point.size();
    const std::int64_t zero =
        zeros == 0 ? 0 : weight_zero_point[zeros == 1 ? 0 : static_cast<std::size_t>(n)];
    std::int64_t total = bias[static_cast<std::size_t>(n)];
    for (std::int64_t c = 0; c < per_group; ++c)
      for (std::int64_t t = 0; t < g.taps(); ++t) {
        const Spatial k = {t / g.kernel[2] / g.kernel[1], t / g.kernel[2] % g.kernel[1],
                           t % g.kernel[2]};
        Spatial at;
        for (std::size_t d = 0; d < 3; ++d)
          at[d] = o[d] * g.stride[d] - g.pad_begin[d] + k[d] * g.dilation[d];
        const std::uint8_t byte =
            weights[static_cast<std::size_t>((n * per_group + c) * g.taps() + t)];
        const std::int64_t w = weights_signed ? static_cast<std::int8_t>(byte) : byte;
        total += input_at(b, at, first + c) * (w - zero);
      }
    return total;
  }

  std::vector<std::int32_t> run_s32(const KernelSet& kernels, int thread_count = 1) const {
    std::vector<std::int32_t> out(static_cast<std::size_t>(outputs()), -7);
    const ConvU8S8 conv(kernels, g, {weights.data(), weights_signed, weight_zero_point});
    Threads threads(thread_count);
    conv.run(g, input.data(), conv.make_epilogue(input_signed, zero_point, {.bias = bias}),
             out.data(), threads);
    return out;
  }

  void expect_exact(const KernelSet& kernels) const {
    const std::vector<std::int32_t> out = run_s32(kernels);
    const Spatial o = g.output();
    for (std::int64_t i = 0; i < outputs(); ++i) {
      const std::int64_t n = i % g.out_channels, p = i / g.out_channels;
      const std::int64_t pixels = product(o);
      const Spatial at = {p % pixels / (o[1] * o[2]), p % pixels / o[2] % o[1], p % o[2]};
      ASSERT_EQ(out[static_cast<std::size_t>(i)], sum(p / pixels, at, n))
          << "output " << i << " of " << outputs() << ": channels " << g.in_channels << " to "
          << g.out_channels << ", groups " << g.groups << ", kernel " << g.kernel[1] << "x"
          << g.kernel[2] << ", stride " << g.stride[1] << "x" << g.stride[2];
    }
  }
};

class ConvU8S8Rows : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!cpu_has(GetParam())) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
    kernels_ = make_kernel_set(GetParam());
  }
  KernelSet kernels_;
};

TEST_P(ConvU8S8Rows, EqualsTheDefinitionOnRandomGeometries) {
  std::mt19937 random(5);
  const auto pick = [&](auto... values) {
    const std::int64_t all[] = {values...};
    return all[random() % (sizeof all / sizeof all[0])];
  };
  for (std::uint32_t round = 0; round < 300; ++round) {
    Convolution c;
    ConvGeometry& g = c.g;
    g.batch = pick(1, 1, 2);
    g.groups = pick(1, 1, 2, 3);
    g.in_channels = g.groups * pick(1, 3, 4, 5, 16, 33);
    g.out_channels = g.groups * pick(1, 3, 16, 17, 35);
    for (std::size_t d = 1; d < 3; ++d) {
      g.kernel[d] = pick(1, 2, 3, 3, 5);
      g.stride[d] = pick(1, 1, 2, 3);
      g.dilation[d] = pick(1, 1, 2);
      g.pad_begin[d] = pick(0, 1, 2);
      g.pad_end[d] = pick(0, 1, 2);
      g.input[d] = pick(5, 7, 9, 11);
    }
    c.input_signed = random() % 3 == 0;
    c.weights_signed = random() % 4 != 0;
    c.zero_point = c.input_signed ? -5 : 12;
    if (!c.weights_signed) c.weight_zero_point = {128};
    if (random() % 5 == 0)
      for (std::int64_t n = 0; n < g.out_channels; ++n)
        c.weight_zero_point.resize(static_cast<std::size_t>(g.out_channels), 3);
    c.fill(round);
    c.expect_exact(kernels_);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvU8S8Rows, DepthwiseEqualsTheDefinition) {
  for (const std::int64_t channels : {2, 15, 16, 17, 63, 64, 65, 130, 257})
    for (const std::int64_t kernel : {1, 2, 3, 5, 7})
      for (const std::int64_t stride : {1, 2}) {
        Convolution c;
        c.g = {.in_channels = channels,
               .out_channels = channels,
               .groups = channels,
               .input = {1, 8, 11},
               .kernel = {1, kernel, kernel},
               .stride = {1, stride, stride},
               .pad_begin = {0, kernel / 2, kernel / 2},
               .pad_end = {0, kernel / 2, kernel / 2}};
        c.zero_point = 77;
        c.fill(static_cast<std::uint32_t>(channels + kernel));
        c.expect_exact(kernels_);
        if (HasFatalFailure()) return;
      }
}

TEST_P(ConvU8S8Rows, DepthwiseWithSeveralFiltersPerChannel) {
  Convolution c;
  c.g = {.batch = 2,
         .in_channels = 6,
         .out_channels = 18,
         .groups = 6,
         .input = {1, 6, 6},
         .kernel = {1, 3, 3},
         .pad_begin = {0, 1, 0},
         .pad_end = {0, 0, 2}};
  c.input_signed = true;
  c.zero_point = 9;
  c.fill(3);
  c.expect_exact(kernels_);
}

TEST_P(ConvU8S8Rows, DepthwiseWeightsThatDoNotFitWithTheirZeroPoint) {
  Convolution c;
  c.g = {.in_channels = 5, .out_channels = 5, .groups = 5, .input = {1, 6, 6}, .kernel = {1, 3, 3}};
  c.weights_signed = false;
  c.weight_zero_point = {3};
  c.fill(4);
  c.expect_exact(kernels_);
}

TEST_P(ConvU8S8Rows, OneAndThreeDimensions) {
  Convolution line;
  line.g = {.in_channels = 3,
            .out_channels = 20,
            .input = {1, 1, 50},
            .kernel = {1, 1, 5},
            .stride = {1, 1, 2},
            .pad_begin = {0, 0, 2},
            .pad_end = {0, 0, 1}};
  line.zero_point = 200;
  line.fill(1);
  line.expect_exact(kernels_);
  Convolution volume;
  volume.g = {.batch = 2,
              .in_channels = 3,
              .out_channels = 5,
              .input = {4, 5, 6},
              .kernel = {2, 3, 3},
              .stride = {2, 1, 1},
              .dilation = {1, 2, 1},
              .pad_begin = {1, 1, 1},
              .pad_end = {0, 1, 1}};
  volume.zero_point = 31;
  volume.fill(2);
  volume.expect_exact(kernels_);
}

TEST_P(ConvU8S8Rows, StemWithThreeChannels) {
  Convolution c;
  c.g = {.in_channels = 3,
         .out_channels = 64,
         .input = {1, 20, 21},
         .kernel = {1, 7, 7},
         .stride = {1, 2, 2},
         .pad_begin = {0, 3, 3},
         .pad_end = {0, 3, 3}};
  c.zero_point = 114;
  c.fill(8);
  c.expect_exact(kernels_);
}

TEST_P(ConvU8S8Rows, DoesNotDependOnTheThreads) {
  for (const std::int64_t groups : {1, 2, 40}) {
    Convolution c;
    c.g = {.batch = 2,
           .in_channels = 40,
           .out_channels = 40,
           .groups = groups,
           .input = {1, 17, 19},
           .kernel = {1, 3, 3}};
    c.fill(6);
    EXPECT_EQ(c.run_s32(kernels_, 1), c.run_s32(kernels_, 2));
  }
}

TEST_P(ConvU8S8Rows, GivesFloats) {
  for (const std::int64_t groups : {1, 37}) {
    Convolution c;
    c.g = {.in_channels = 37,
           .out_channels = 37,
           .groups = groups,
           .input = {1, 5, 5},
           .kernel = {1, 3, 3}};
    c.zero_point = 9;
    c.fill(12);
    std::vector<float> scale, offset;
    for (int n = 0; n < 37; ++n) {
      scale.push_back(0.001f * static_cast<float>(n + 1));
      offset.push_back(0.7f * static_cast<float>(n) - 9.0f);
    }
    const ConvU8S8 conv(kernels_, c.g, {c.weights.data()});
    const OutputU8S8 output{.kind = OutputKind::kF32,
                            .bias = c.bias,
                            .multiplier = scale,
                            .float_bias = offset,
                            .float_low = 0.0f,
                            .float_high = 400.0f};
    std::vector<float> y(static_cast<std::size_t>(c.outputs()));
    Threads threads(1);
    conv.run(c.g, c.input.data(), conv.make_epilogue(false, 9, output), y.data(), threads);
    for (std::int64_t i = 0; i < c.outputs(); ++i) {
      const auto n = static_cast<std::size_t>(i % 37);
      float expected = static_cast<float>(c.sum(0, {0, i / 37 / 3, i / 37 % 3}, i % 37)) * scale[n];
      expected = expected + offset[n];
      expected = expected < 0 ? 0 : (expected > 400 ? 400 : expected);
      ASSERT_EQ(y[static_cast<std::size_t>(i)], expected) << i;
    }
  }
}

TEST(ConvU8S8, LargestSumIsThatOfTheWorstChannel) {
  // Two output channels of two inputs: (100, −3) and (1, −128); depthwise: each weight alone.
  const std::int8_t weights[] = {100, -3, 1, -128};
  const KernelSet kernels = make_kernel_set(Isa::kScalar);
  const ConvGeometry whole{.in_channels = 2, .out_channels = 2};
  EXPECT_EQ(ConvU8S8(kernels, whole, {weights}).largest_sum(), 255 * 128);
  const ConvGeometry depthwise{
      .in_channels = 2, .out_channels = 2, .groups = 2, .kernel = {1, 1, 2}};
  EXPECT_EQ(ConvU8S8(kernels, depthwise, {weights}).largest_sum(), 255 * 128);
}

INSTANTIATE_TEST_SUITE_P(Isas, ConvU8S8Rows, testing::ValuesIn(all_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace q8
