#include "kernels/int8/quantize.h"

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "base/rounding.h"

namespace q8 {
namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements: about a microsecond

// Calls run(channel, first, count) on stretches of one channel.
template <typename Run>
void for_each_stretch(const ChannelLayout& layout, Threads& threads, Run&& run) {
  if (layout.channels == 1) {
    threads.parallel_for(layout.count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      run(std::int64_t{0}, begin, end - begin);
    });
    return;
  }
  const std::int64_t grain = kGrain / (layout.inner + 1) + 1;
  threads.parallel_for(layout.outer * layout.channels, grain,
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i)
                           run(i % layout.channels, i * layout.inner, layout.inner);
                       });
}

std::size_t index_of(std::int64_t channel) {
  return static_cast<std::size_t>(channel);
}

void check(const ChannelLayout& layout, const ByteTensorFormat& format) {
  Q8_ASSERT(format.scale.size() == index_of(layout.channels));
  Q8_ASSERT(format.zero_point.size() == index_of(layout.channels));
}

}  // namespace

void quantize_f32(const QuantizeRow& row, const float* x, const ChannelLayout& layout,
                  const ByteTensorFormat& format, std::int32_t low, std::int32_t high,
                  std::uint8_t* out, Threads& threads) {
  check(layout, format);
  for_each_stretch(
      layout, threads, [&](std::int64_t channel, std::int64_t first, std::int64_t count) {
        const std::size_t c = index_of(channel);
        row.quantize(
            {x + first, count, format.scale[c], format.zero_point[c], low, high, out + first});
      });
}

void dequantize_u8(const QuantizeRow& row, const std::uint8_t* q, const ChannelLayout& layout,
                   const ByteTensorFormat& format, float* out, Threads& threads) {
  check(layout, format);
  for_each_stretch(layout, threads,
                   [&](std::int64_t channel, std::int64_t first, std::int64_t count) {
                     const std::size_t c = index_of(channel);
                     row.dequantize({q + first,
                                     count,
                                     {format.scale[c], format.zero_point[c], format.is_signed},
                                     out + first});
                   });
}

void dequantize_s32(const std::int32_t* q, const ChannelLayout& layout,
                    std::span<const float> scale, float* out, Threads& threads) {
  Q8_ASSERT(scale.size() == index_of(layout.channels));
  for_each_stretch(layout, threads,
                   [&](std::int64_t channel, std::int64_t first, std::int64_t count) {
                     const float factor = scale[index_of(channel)];
                     for (std::int64_t i = first; i < first + count; ++i)
                       out[i] = static_cast<float>(q[i]) * factor;
                   });
}

DynamicParams dynamic_params_u8(const QuantizeRow& row, const float* x, std::int64_t count,
                                Threads& threads) {
  FloatRange range{0, 0};
  std::mutex mutex;
  threads.parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    const FloatRange part = row.range(x + begin, end - begin);
    const std::lock_guard lock(mutex);  // least and greatest do not depend on the order
    range.low = std::min(range.low, part.low);
    range.high = std::max(range.high, part.high);
  });
  if (range.low == range.high) return {};
  DynamicParams params;
  params.scale = (range.high - range.low) / 255.0f;
  const float zero = round_half_even(std::clamp(0.0f - range.low / params.scale, 0.0f, 255.0f));
  params.zero_point = static_cast<std::int32_t>(zero);
  return params;
}

void combine_u8(const QuantizeRow& row, const CombineSpan& span, Threads& threads) {
  constexpr std::int64_t kCombined = 4 << 10;  // about a microsecond
  threads.parallel_for(span.count, kCombined, [&](std::int64_t begin, std::int64_t end) {
    CombineSpan part = span;
    part.a += begin;
    part.b += begin * span.b_step;
    part.out += begin;
    part.count = end - begin;
    row.combine(part);
  });
}

}  // namespace q8
