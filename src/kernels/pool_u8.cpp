#include "kernels/pool_u8.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/rounding.h"
#include "kernels/indirection.h"

namespace q8 {
namespace {

// Calls body(pixel, rows) for each output pixel, rows[tap] the bytes it sees there.
template <typename Body>
void for_each_window(const ConvGeometry& g, const std::uint8_t* x, std::uint8_t outside,
                     Threads& threads, Body&& body) {
  const std::int64_t pixels = product(g.output());
  const std::int64_t image = product(g.input) * g.in_channels;
  const Indirection indirection(g, g.in_channels);
  const std::vector<std::uint8_t> padding(static_cast<std::size_t>(g.in_channels), outside);
  const std::int64_t grain = (16 << 10) / (g.taps() * g.in_channels + 1) + 1;
  threads.parallel_for(g.batch * pixels, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<const std::byte*> rows(static_cast<std::size_t>(g.taps()));
    for (std::int64_t p = begin; p < end; ++p) {
      indirection.fill(reinterpret_cast<const std::byte*>(x + p / pixels * image),
                       reinterpret_cast<const std::byte*>(padding.data()), p % pixels, 1, 1,
                       rows.data());
      body(p, reinterpret_cast<const std::uint8_t* const*>(rows.data()));
    }
  });
}

// s8 is compared as u8 with the sign bit flipped; then baseline SSE2 has the instruction.
void raise_to(std::uint8_t* __restrict out, const std::uint8_t* __restrict row, std::int64_t count,
              std::uint8_t flip) {
  for (std::int64_t c = 0; c < count; ++c) {
    const auto value = static_cast<std::uint8_t>(row[c] ^ flip);
    out[c] = value > out[c] ? value : out[c];
  }
}

void flip_bytes(std::uint8_t* bytes, std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) bytes[c] = static_cast<std::uint8_t>(bytes[c] ^ 0x80u);
}

void add_to(std::int32_t* __restrict sums, const std::uint8_t* __restrict row, std::int64_t count,
            std::uint8_t flip) {
  for (std::int64_t c = 0; c < count; ++c) sums[c] += row[c] ^ flip;
}

// How many elements of a window count, in one dimension.
std::int64_t counted(const AveragePoolU8& pool, std::size_t d, std::int64_t position) {
  const ConvGeometry& g = pool.geometry;
  const std::int64_t least = pool.count_include_pad ? -g.pad_begin[d] : 0;
  const std::int64_t end = g.input[d] + (pool.count_include_pad ? pool.counted_pad_end[d] : 0);
  std::int64_t count = 0;
  for (std::int64_t k = 0; k < g.kernel[d]; ++k) {
    const std::int64_t at = position * g.stride[d] - g.pad_begin[d] + k * g.dilation[d];
    count += at >= least && at < end ? 1 : 0;
  }
  return count;
}

}  // namespace

void max_pool_u8(const ConvGeometry& g, const std::uint8_t* x, bool is_signed, std::uint8_t* out,
                 Threads& threads) {
  const std::uint8_t flip = is_signed ? 0x80 : 0;
  const std::int64_t channels = g.in_channels;
  for_each_window(g, x, flip, threads, [&](std::int64_t p, const std::uint8_t* const* rows) {
    std::uint8_t* target = out + p * channels;
    std::fill_n(target, channels, std::uint8_t{0});
    for (std::int64_t tap = 0; tap < g.taps(); ++tap) raise_to(target, rows[tap], channels, flip);
    if (is_signed) flip_bytes(target, channels);
  });
}

void average_pool_u8(const AveragePoolU8& pool, const std::uint8_t* x, std::uint8_t* out,
                     Threads& threads) {
  const ConvGeometry& g = pool.geometry;
  const std::uint8_t flip = pool.x_format.is_signed ? 0x80 : 0;
  const std::int64_t channels = g.in_channels;
  // As u8; outside lies the zero point, which adds nothing.
  const std::int32_t zero_point = pool.x_format.zero_point + flip;
  const auto outside = static_cast<std::uint8_t>(zero_point ^ flip);
  const Spatial output = g.output();
  const auto low = static_cast<float>(pool.low - pool.y_zero_point);
  const auto high = static_cast<float>(pool.high - pool.y_zero_point);
  for_each_window(g, x, outside, threads, [&](std::int64_t p, const std::uint8_t* const* rows) {
    const std::int64_t pixel = p % product(output);
    const auto count = static_cast<float>(counted(pool, 0, pixel / output[2] / output[1]) *
                                          counted(pool, 1, pixel / output[2] % output[1]) *
                                          counted(pool, 2, pixel % output[2]));
    constexpr std::int64_t kBlock = 256;
    std::int32_t sums[kBlock];
    for (std::int64_t first = 0; first < channels; first += kBlock) {
      const std::int64_t some = std::min(kBlock, channels - first);
      std::fill_n(sums, some, static_cast<std::int32_t>(-zero_point * g.taps()));
      for (std::int64_t tap = 0; tap < g.taps(); ++tap) add_to(sums, rows[tap] + first, some, flip);
      for (std::int64_t c = 0; c < some; ++c) {
        const float mean = static_cast<float>(sums[c]) * pool.x_format.scale / count;
        const float q = std::clamp(mean / pool.y_scale, low, high);
        out[p * channels + first + c] = static_cast<std::uint8_t>(
            static_cast<std::int32_t>(round_half_even(q)) + pool.y_zero_point);
      }
    }
  });
}

}  // namespace q8
