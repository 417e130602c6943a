#include "kernels/int8/conv_transpose_u8s8.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/isa.h"
#include "kernels/conv_transpose_reach.h"
#include "kernels/f32/conv_transpose.h"

namespace q8 {
namespace {

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

struct Case {
  ConvGeometry g;
  Spatial output_padding = {0, 0, 0};
  bool input_signed = false, weights_signed = true;
  std::int32_t zero_point = 0;
  std::vector<std::int32_t> weight_zero_point, bias;
  std::vector<std::uint8_t> in, weights;
};

Case random_case(std::mt19937& random) {
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (;;) {
    Case c;
    c.g.batch = pick(1, 2);
    for (std::size_t d = at(pick(0, 2)); d < 3; ++d) {
      c.g.input[d] = pick(1, 6);
      c.g.kernel[d] = pick(1, 4);
      c.g.stride[d] = pick(1, 3);
      c.g.dilation[d] = pick(1, 3);
      c.g.pad_begin[d] = pick(0, 2);
      c.g.pad_end[d] = pick(0, 2);
      c.output_padding[d] = pick(0, c.g.stride[d] - 1);
    }
    c.g.groups = pick(1, 3);
    c.g.in_channels = c.g.groups * pick(1, 9);
    c.g.out_channels = c.g.groups * pick(1, 35);
    if (product(conv_transpose_output(c.g, c.output_padding)) == 0) continue;
    c.input_signed = pick(0, 1) == 1;
    c.weights_signed = pick(0, 1) == 1;
    c.zero_point = static_cast<std::int32_t>(c.input_signed ? pick(-128, 127) : pick(0, 255));
    const std::int64_t zeros = pick(0, 2) == 0 ? 0 : pick(0, 1) == 0 ? 1 : c.g.out_channels;
    for (std::int64_t i = 0; i < zeros; ++i)
      c.weight_zero_point.push_back(
          static_cast<std::int32_t>(c.weights_signed ? pick(-128, 127) : pick(0, 255)));
    for (std::int64_t i = 0; i < c.g.out_channels; ++i)
      c.bias.push_back(static_cast<std::int32_t>(pick(-9999, 9999)));
    const auto bytes = [&](std::int64_t count) {
      std::vector<std::uint8_t> out(at(count));
      for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
      return out;
    };
    c.in = bytes(c.g.batch * product(c.g.input) * c.g.in_channels);
    c.weights = bytes(c.g.in_channels * c.g.out_channels_per_group() * c.g.taps());
    return c;
  }
}

std::vector<std::int32_t> definition(const Case& c) {
  const ConvGeometry& g = c.g;
  const Spatial size = conv_transpose_output(g, c.output_padding);
  const std::int64_t columns = g.out_channels_per_group();
  std::vector<std::int32_t> out(at(g.batch * product(size) * g.out_channels));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = c.bias[i % c.bias.size()];
  const auto value = [](std::uint8_t byte, bool is_signed) {
    return is_signed ? static_cast<std::int8_t>(byte) : std::int32_t{byte};
  };
  for_each_reach(g, size, [&](std::int64_t i, std::int64_t tap, std::int64_t pixel) {
    for (std::int64_t a = 0; a < g.in_channels; ++a)
      for (std::int64_t j = 0; j < columns; ++j) {
        const std::int64_t n = a / g.in_channels_per_group() * columns + j;
        const std::size_t zeros = c.weight_zero_point.size();
        const std::int32_t zero = zeros == 0 ? 0 : c.weight_zero_point[zeros == 1 ? 0 : at(n)];
        out[at(pixel * g.out_channels + n)] +=
            (value(c.in[at(i * g.in_channels + a)], c.input_signed) - c.zero_point) *
            (value(c.weights[at((a * columns + j) * g.taps() + tap)], c.weights_signed) - zero);
      }
  });
  return out;
}

TEST(ConvTransposeU8S8, EqualsTheDefinitionOnAllRowsAndThreads) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const Case c = random_case(random);
    const Spatial size = conv_transpose_output(c.g, c.output_padding);
    const std::vector<std::int32_t> expected = definition(c);
    for (const GemmU8S8Row& row : gemm_u8s8_rows()) {
      if (!cpu_has(row.isa)) continue;
      const ConvTransposeU8S8 conv(make_kernel_set(row.isa), c.g,
                                   {c.weights.data(), c.weights_signed, c.weight_zero_point},
                                   c.input_signed, c.zero_point, {.bias = c.bias});
      for (const int count : {1, 3}) {
        Threads threads(count);
        std::vector<std::int32_t> out(expected.size(), -7);
        conv.run(c.g, size, c.in.data(), out.data(), threads);
        ASSERT_EQ(out, expected) << row.name << ", round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace q8
