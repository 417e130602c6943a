#include "kernels/int8/pool_u8.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/rounding.h"
#include "kernels/indirection.h"

namespace q8 {
namespace {

constexpr std::int64_t kBlock = 256;  // channels at a time; a global pool's threads share these out

// Calls body(pixel, channel, count, rows) for each output pixel and block of channels, rows[tap]
// the bytes of all channels it sees there.
template <typename Body>
void for_each_window(const ConvGeometry& g, const std::uint8_t* x, std::uint8_t outside,
                     Threads& threads, Body&& body) {
  const std::int64_t pixels = product(g.output());
  const std::int64_t image = product(g.input) * g.in_channels;
  const std::int64_t blocks = (g.in_channels + kBlock - 1) / kBlock;
  const Indirection indirection(g, g.in_channels);
  const std::vector<std::uint8_t> padding(static_cast<std::size_t>(g.in_channels), outside);
  // Bytes of windows: 10 µs. The mean of 7²×1280 is faster on the thread that made these pixels.
  constexpr std::int64_t kGrain = 64 << 10;
  const std::int64_t grain = kGrain / (g.taps() * std::min(g.in_channels, kBlock) + 1) + 1;
  threads.parallel_for(g.batch * pixels * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<const std::byte*> rows(static_cast<std::size_t>(g.taps()));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t p = i / blocks, first = i % blocks * kBlock;
      if (first == 0 || i == begin)
        indirection.fill(reinterpret_cast<const std::byte*>(x + p / pixels * image),
                         reinterpret_cast<const std::byte*>(padding.data()), p % pixels, 1, 1,
                         rows.data());
      body(p, first, std::min(kBlock, g.in_channels - first),
           reinterpret_cast<const std::uint8_t* const*>(rows.data()));
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

// Adds rows[tap][first + c] for all taps to sums[c].
void add_rows(const std::uint8_t* const* rows, std::int64_t taps, std::int64_t first,
              std::int64_t count, std::uint8_t flip, std::int32_t* __restrict sums) {
  constexpr std::int64_t kMostTaps = 257;  // bytes whose sum fits into 16 bits: half the work of 32
  for (std::int64_t begin = 0; begin < taps; begin += kMostTaps) {
    std::uint16_t part[kBlock] = {};
    for (std::int64_t tap = begin; tap < std::min(taps, begin + kMostTaps); ++tap) {
      const std::uint8_t* row = rows[tap] + first;
      for (std::int64_t c = 0; c < count; ++c)
        part[c] = static_cast<std::uint16_t>(part[c] + (row[c] ^ flip));
    }
    for (std::int64_t c = 0; c < count; ++c) sums[c] += part[c];
  }
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

// Down the columns first, a whole line at a time, then across what that leaves: kernel height +
// width comparisons instead of their product.
void max_pool_u8(const ConvGeometry& g, const std::uint8_t* x, bool is_signed, std::uint8_t* out,
                 Threads& threads) {
  const std::uint8_t flip = is_signed ? 0x80 : 0;
  const std::int64_t channels = g.in_channels, line = g.input[2] * channels;
  const Spatial output = g.output();
  const std::int64_t out_line = output[2] * channels, step = g.dilation[2] * channels;
  const std::int64_t work = g.kernel[0] * g.kernel[1] * line + g.kernel[2] * out_line;
  constexpr std::int64_t kGrain = 64 << 10;  // bytes compared: some microseconds
  const auto raise_line = [&](std::int64_t i, std::uint8_t* columns) {
    std::fill_n(columns, line, std::uint8_t{0});
    const std::int64_t image = i / (output[0] * output[1]);
    const std::int64_t z = i / output[1] % output[0], y = i % output[1];
    for (std::int64_t tap = 0; tap < g.kernel[0] * g.kernel[1]; ++tap) {
      const std::int64_t from_z =
          z * g.stride[0] - g.pad_begin[0] + tap / g.kernel[1] * g.dilation[0];
      const std::int64_t from_y =
          y * g.stride[1] - g.pad_begin[1] + tap % g.kernel[1] * g.dilation[1];
      if (from_z < 0 || from_z >= g.input[0] || from_y < 0 || from_y >= g.input[1]) continue;
      raise_to(columns, x + ((image * g.input[0] + from_z) * g.input[1] + from_y) * line, line,
               flip);
    }
  };
  threads.parallel_for(
      g.batch * output[0] * output[1], kGrain / (work + 1) + 1,
      [&](std::int64_t begin, std::int64_t end) {
        // The padding stays 0, the least byte as it is compared. Where the last window ends before
        // the image does, there is less than none behind it.
        std::vector<std::uint8_t> padded(
            static_cast<std::size_t>(
                (g.pad_begin[2] + std::max<std::int64_t>(0, g.pad_end[2])) * channels + line),
            0);
        for (std::int64_t i = begin; i < end; ++i) {
          raise_line(i, padded.data() + g.pad_begin[2] * channels);
          std::uint8_t* const target = out + i * out_line;
          std::fill_n(target, out_line, std::uint8_t{0});
          for (std::int64_t k = 0; k < g.kernel[2]; ++k) {
            const std::uint8_t* from = padded.data() + k * step;
            if (g.stride[2] == 1) {
              raise_to(target, from, out_line, 0);
              continue;
            }
            for (std::int64_t p = 0; p < output[2]; ++p)
              raise_to(target + p * channels, from + p * g.stride[2] * channels, channels, 0);
          }
          if (is_signed) flip_bytes(target, out_line);
        }
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
  for_each_window(
      g, x, outside, threads,
      [&](std::int64_t p, std::int64_t first, std::int64_t some, const std::uint8_t* const* rows) {
        const std::int64_t pixel = p % product(output);
        const auto count = static_cast<float>(counted(pool, 0, pixel / output[2] / output[1]) *
                                              counted(pool, 1, pixel / output[2] % output[1]) *
                                              counted(pool, 2, pixel % output[2]));
        std::int32_t sums[kBlock];
        std::fill_n(sums, some, static_cast<std::int32_t>(-zero_point * g.taps()));
        add_rows(rows, g.taps(), first, some, flip, sums);
        for (std::int64_t c = 0; c < some; ++c) {
          const float mean = static_cast<float>(sums[c]) * pool.x_format.scale / count;
          const float q = std::clamp(mean / pool.y_scale, low, high);
          out[p * channels + first + c] = static_cast<std::uint8_t>(
              static_cast<std::int32_t>(round_half_even(q)) + pool.y_zero_point);
        }
      });
}

}  // namespace q8
