#include "kernels/int8/pool_u8.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace q8 {
namespace {

ConvGeometry window(std::int64_t channels, std::int64_t size, std::int64_t kernel,
                    std::int64_t pad) {
  return {.in_channels = channels,
          .out_channels = channels,
          .groups = channels,
          .input = {1, size, size},
          .kernel = {1, kernel, kernel},
          .pad_begin = {0, pad, pad},
          .pad_end = {0, pad, pad}};
}

TEST(MaxPoolU8, TakesTheGreatestInsideTheImage) {
  // 0 1 2 / 3 4 5 / 6 7 8 with windows of 2×2
  const std::array<std::uint8_t, 9> x = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  std::array<std::uint8_t, 4> y = {};
  Threads threads(1);
  max_pool_u8(window(1, 3, 2, 0), x.data(), false, y.data(), threads);
  EXPECT_EQ(y, (std::array<std::uint8_t, 4>{4, 5, 7, 8}));
}

TEST(MaxPoolU8, ComparesSignedBytesAndIgnoresPadding) {
  // −128 and −3 next to padding: the padding must not win.
  const std::array<std::uint8_t, 4> x = {0x80, 0x80, 0xfd, 0x80};
  std::array<std::uint8_t, 9> y = {};
  Threads threads(1);
  max_pool_u8(window(1, 2, 2, 1), x.data(), true, y.data(), threads);
  EXPECT_EQ(y, (std::array<std::uint8_t, 9>{0x80, 0x80, 0x80, 0xfd, 0xfd, 0x80, 0xfd, 0xfd, 0x80}));
}

// The greatest of one window, by the definition; the least byte where it sees only padding.
int greatest(const ConvGeometry& g, const std::vector<std::uint8_t>& x, bool is_signed,
             std::int64_t image, const Spatial& o, std::int64_t channel) {
  int found = is_signed ? -128 : 0;
  for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
    const Spatial k = {tap / g.kernel[2] / g.kernel[1], tap / g.kernel[2] % g.kernel[1],
                       tap % g.kernel[2]};
    std::int64_t pixel = image;
    bool inside = true;
    for (std::size_t d = 0; d < 3; ++d) {
      const std::int64_t at = o[d] * g.stride[d] - g.pad_begin[d] + k[d] * g.dilation[d];
      inside = inside && at >= 0 && at < g.input[d];
      pixel = pixel * g.input[d] + at;
    }
    if (!inside) continue;
    const std::uint8_t byte = x[static_cast<std::size_t>(pixel * g.in_channels + channel)];
    found = std::max(found, is_signed ? static_cast<std::int8_t>(byte) : int{byte});
  }
  return found;
}

TEST(MaxPoolU8, EqualsTheDefinitionOnRandomGeometries) {
  std::mt19937 random(9);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int round = 0; round < 120; ++round) {
    ConvGeometry g{.batch = pick(1, 2), .in_channels = pick(1, 40)};
    g.out_channels = g.groups = g.in_channels;
    for (std::size_t d = round % 4 == 0 ? 0 : 1; d < 3; ++d) {
      g.input[d] = pick(1, 12);
      g.kernel[d] = pick(1, 6);
      g.stride[d] = pick(1, 3);
      g.dilation[d] = pick(1, 2);
      g.pad_begin[d] = pick(0, 4);
      g.pad_end[d] = pick(0, 4);
    }
    const Spatial size = g.output();
    // As pools have it: the padding ends where the last window does.
    for (std::size_t d = 0; d < 3; ++d)
      if (size[d] > 0)
        g.pad_end[d] = (size[d] - 1) * g.stride[d] + g.dilation[d] * (g.kernel[d] - 1) + 1 -
                       g.input[d] - g.pad_begin[d];
    std::vector<std::uint8_t> x(
        static_cast<std::size_t>(g.batch * product(g.input) * g.in_channels));
    for (std::uint8_t& byte : x) byte = static_cast<std::uint8_t>(pick(0, 255));
    std::vector<std::uint8_t> out(
        static_cast<std::size_t>(g.batch * product(size) * g.in_channels));
    const bool is_signed = round % 2 == 1;
    Threads threads(round % 3 + 1);
    max_pool_u8(g, x.data(), is_signed, out.data(), threads);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto index = static_cast<std::int64_t>(i);
      const std::int64_t pixel = index / g.in_channels;
      const Spatial o = {pixel / (size[1] * size[2]) % size[0], pixel / size[2] % size[1],
                         pixel % size[2]};
      const int expected =
          greatest(g, x, is_signed, pixel / product(size), o, index % g.in_channels);
      ASSERT_EQ(is_signed ? static_cast<std::int8_t>(out[i]) : int{out[i]}, expected)
          << "round " << round << ", output " << i;
    }
  }
}

TEST(AveragePoolU8, AveragesWhatCounts) {
  // Two channels; x − 10 is 2, 4, 6, 9 in the first and 0 in the second; windows of 2×2, padding 1.
  const std::array<std::uint8_t, 8> x = {12, 10, 14, 10, 16, 10, 19, 10};
  std::array<std::uint8_t, 18> y = {};
  Threads threads(1);
  AveragePoolU8 pool{.geometry = window(2, 2, 2, 1),
                     .x_format = {0.5f, 10, false},
                     .y_scale = 0.25f,
                     .y_zero_point = 1};
  average_pool_u8(pool, x.data(), y.data(), threads);
  // The corner has 2 · 0.5 / 1 / 0.25 = 4, the edge above (2 + 4)/2 → 6, the middle 21/4 · 2 = 10.5
  // → 10.
  EXPECT_EQ(y[0], 5);
  EXPECT_EQ(y[2], 7);
  EXPECT_EQ(y[8], 11);
  EXPECT_EQ(y[9], 1);
  pool.count_include_pad = true;
  pool.counted_pad_end = {0, 1, 1};
  average_pool_u8(pool, x.data(), y.data(), threads);
  EXPECT_EQ(y[0], 2);  // 2 · 0.5 / 4 / 0.25 = 1
  EXPECT_EQ(y[2], 4);  // 6 · 0.5 / 4 / 0.25 = 3
}

TEST(AveragePoolU8, GlobalOverSignedBytes) {
  // −128, −2, 5, 125 with zero point −1: sum of q − z is 4; 4 · 1 / 4 / 1 = 1, plus 3.
  const std::array<std::uint8_t, 4> x = {0x80, 0xfe, 5, 125};
  std::uint8_t y = 0;
  Threads threads(1);
  average_pool_u8({.geometry = window(1, 2, 2, 0),
                   .x_format = {1.0f, -1, true},
                   .y_scale = 1.0f,
                   .y_zero_point = 3,
                   .low = -128,
                   .high = 127},
                  x.data(), &y, threads);
  EXPECT_EQ(y, 4);
}

// 289 elements of 255 are more than 16 bits hold, 600 channels more than one block; every third
// channel is 0.
TEST(AveragePoolU8, GlobalOverManyElementsAndChannels) {
  constexpr std::size_t kPixels = 17 * 17, kChannels = 600;
  std::vector<std::uint8_t> x(kPixels * kChannels), y(kChannels);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % kChannels % 3 == 0 ? 0 : 255;
  for (const int count : {1, 3}) {
    Threads threads(count);
    average_pool_u8({.geometry = window(kChannels, 17, 17, 0), .x_format = {1.0f, 0, false}},
                    x.data(), y.data(), threads);
    for (std::size_t c = 0; c < kChannels; ++c) EXPECT_EQ(y[c], c % 3 == 0 ? 0 : 255) << c;
  }
}

// Of 600 channels, c % 251 stands in the middle of 3×3 zeros.
TEST(MaxPoolU8, ManyChannels) {
  constexpr std::size_t kChannels = 600;
  std::vector<std::uint8_t> x(9 * kChannels), y(kChannels);
  for (std::size_t c = 0; c < kChannels; ++c)
    x[4 * kChannels + c] = static_cast<std::uint8_t>(c % 251);
  for (const int count : {1, 3}) {
    Threads threads(count);
    max_pool_u8(window(kChannels, 3, 3, 0), x.data(), false, y.data(), threads);
    for (std::size_t c = 0; c < kChannels; ++c) EXPECT_EQ(y[c], c % 251) << c;
  }
}

}  // namespace
}  // namespace q8
