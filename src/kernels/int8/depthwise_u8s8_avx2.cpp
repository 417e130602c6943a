#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/depthwise_u8s8_store.h"
#include "kernels/int8/depthwise_u8s8_tile.h"
#include "kernels/int8/requantize_pack_avx2.h"

// 32 channels at a time, or 16 of two pixels. Four taps are interleaved within 128-bit lanes, so
// that each dword holds the four taps of one channel; its even and its odd bytes are multiplied
// apart as 16-bit numbers (exact). Sums then stand in "lane order": dword 4·L + d of vector v is
// channel 16·L + 4·v + d. Packing to bytes restores the order.

namespace q8 {
namespace {

constexpr std::int64_t kGroupBytes = 256;  // weights of four taps, as 16-bit numbers

struct Quad {
  __m256i v[4];
};

inline Quad interleave(__m256i t0, __m256i t1, __m256i t2, __m256i t3) {
  const __m256i low01 = _mm256_unpacklo_epi8(t0, t1), high01 = _mm256_unpackhi_epi8(t0, t1);
  const __m256i low23 = _mm256_unpacklo_epi8(t2, t3), high23 = _mm256_unpackhi_epi8(t2, t3);
  return {{_mm256_unpacklo_epi16(low01, low23), _mm256_unpackhi_epi16(low01, low23),
           _mm256_unpacklo_epi16(high01, high23), _mm256_unpackhi_epi16(high01, high23)}};
}

inline __m128i load16(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

// The first `count` bytes, at most 16, and zeros.
inline __m128i load_part(const void* at, std::int64_t count) {
  if (count >= 16) return load16(at);
  alignas(16) std::uint8_t bytes[16] = {};
  if (count > 0) __builtin_memcpy(bytes, at, static_cast<std::size_t>(count));
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}

// The first 32 / kPixels bytes from each pointer at rows[0 … kPixels), of which `left` are there.
template <int kPixels, bool kWhole>
inline __m256i load_pixels(const std::uint8_t* const* rows, std::int64_t channel,
                           std::int64_t left) {
  const std::uint8_t* first = rows[0] + channel;
  const std::uint8_t* second = kPixels == 1 ? first + 16 : rows[1] + channel;
  if (kWhole)
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(first)), load16(second), 1);
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_part(first, left)),
                                 load_part(second, kPixels == 1 ? left - 16 : left), 1);
}

// 32 / kPixels numbers in natural order to lane order, the same for each pixel.
template <int kPixels>
inline __m256i lane_order(const void* numbers, int v) {
  const auto* at = static_cast<const std::int32_t*>(numbers) + 4 * v;
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(at)),
                                 load16(at + (kPixels == 1 ? 16 : 0)), 1);
}

// [group][v][even, odd]
template <int kPixels>
void arrange_weights(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  for (std::int64_t tap = 0; tap < t.taps; tap += 4) {
    const auto load = [&](std::int64_t at) {
      const auto* weights = reinterpret_cast<const std::uint8_t*>(t.weights + at * t.weight_stride);
      const std::uint8_t* const same[2] = {weights, weights};
      return at < t.taps ? load_pixels<kPixels, true>(same, channel, 32) : _mm256_setzero_si256();
    };
    const Quad q = interleave(load(tap), load(tap + 1), load(tap + 2), load(tap + 3));
    auto* to = reinterpret_cast<__m256i*>(t.scratch + tap / 4 * kGroupBytes);
    for (int v = 0; v < 4; ++v) {
      _mm256_store_si256(to + 2 * v, _mm256_srai_epi16(_mm256_slli_epi16(q.v[v], 8), 8));
      _mm256_store_si256(to + 2 * v + 1, _mm256_srai_epi16(q.v[v], 8));
    }
  }
}

inline void add_product(__m256i& sum, __m256i pairs, const __m256i* weights) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_load_si256(weights)));
}

inline void accumulate(Quad& sum, const Quad& input, const std::int8_t* group) {
  const auto* weights = reinterpret_cast<const __m256i*>(group);
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    add_product(sum.v[v], _mm256_and_si256(input.v[v], _mm256_set1_epi16(0xff)), weights + 2 * v);
    add_product(sum.v[v], _mm256_srli_epi16(input.v[v], 8), weights + 2 * v + 1);
  }
}

// The same of a tap without the three others. A byte of the index with its top bit set gives 0.
inline void accumulate_alone(Quad& sum, __m256i input, const std::int8_t* group) {
  const auto* weights = reinterpret_cast<const __m256i*>(group);
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const auto byte = [v](int d) { return static_cast<int>(0x80808000u) | (4 * v + d); };
    const __m128i lane = _mm_setr_epi32(byte(0), byte(1), byte(2), byte(3));
    add_product(sum.v[v], _mm256_shuffle_epi8(input, _mm256_broadcastsi128_si256(lane)),
                weights + 2 * v);
  }
}

template <int kPixels>
void store_slowly(const DepthwiseU8S8Tile& t, std::int64_t pixel, std::int64_t count,
                  std::int64_t channel, const Quad& sum) {
  alignas(32) std::int32_t sums[32];
  for (int v = 0; v < 4; ++v)
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums + 8 * v), sum.v[v]);
  store_wide<32, kPixels>(t, pixel, count, channel, sums);
}

inline void store_part(std::uint8_t* out, __m128i q, std::int64_t count) {
  if (count >= 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), q);
  else if (count > 0)
    __builtin_memcpy(out, &q, static_cast<std::size_t>(count));
}

template <int kPixels>
inline void store_bytes(std::uint8_t* out, std::int64_t stride, std::int64_t count,
                        std::int64_t left, __m256i q) {
  const __m128i first = _mm256_castsi256_si128(q), second = _mm256_extracti128_si256(q, 1);
  store_part(out, first, left);
  if (kPixels == 1)
    store_part(out + 16, second, left - 16);
  else if (count > 1)
    store_part(out + stride, second, left);
}

// kGroups > 0: taps are known to lie in that many groups of four, the last one of a single tap.
// Reads kPixels pointers at a time: the table of a run has room for them, and what lies behind the
// last pixel points to readable bytes.
template <int kPixels, bool kWhole, int kGroups>
void block(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  const std::int64_t left = t.channels - channel;
  const std::int64_t groups = kGroups > 0 ? kGroups : (t.taps + 3) / 4;
  const int last = kGroups > 0 ? 1 : static_cast<int>(t.taps - 4 * (groups - 1));
  arrange_weights<kPixels>(t, channel);
  const bool bytes = t.kind == OutputKind::kByte;
  Quad bias;
  __m256 scale[4];
  for (int v = 0; v < 4; ++v) {
    bias.v[v] = lane_order<kPixels>(t.bias + channel, v);
    scale[v] = bytes ? _mm256_castsi256_ps(lane_order<kPixels>(t.scale + channel, v))
                     : _mm256_setzero_ps();
  }
  const BytePacker packer(t.zero_point, bytes ? t.low : 0, bytes ? t.high : 0);
  const std::int8_t* const weights = t.scratch;
  const std::int64_t pixels = t.pixels, stride = t.out_stride;
  auto* out = static_cast<std::uint8_t*>(t.out) + channel;
  const __m256i zero = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < pixels; i += kPixels) {
    const std::uint8_t* const* rows = t.rows + i;
    const auto load = [&](std::int64_t tap) {
      return load_pixels<kPixels, kWhole>(rows + tap * kDepthwiseRun, channel, left);
    };
    Quad sum = bias;
#pragma GCC unroll 8
    for (std::int64_t g = 0; g + 1 < groups; ++g)
      accumulate(sum, interleave(load(4 * g), load(4 * g + 1), load(4 * g + 2), load(4 * g + 3)),
                 weights + g * kGroupBytes);
    const std::int64_t tap = 4 * (groups - 1);
    if (last == 1)
      accumulate_alone(sum, load(tap), weights + (groups - 1) * kGroupBytes);
    else
      accumulate(sum,
                 interleave(load(tap), load(tap + 1), last > 2 ? load(tap + 2) : zero,
                            last > 3 ? load(tap + 3) : zero),
                 weights + (groups - 1) * kGroupBytes);
    const std::int64_t count = pixels - i < kPixels ? pixels - i : kPixels;
    if (!bytes) {
      store_slowly<kPixels>(t, i, count, channel, sum);
      continue;
    }
    const __m256i q = packer.pack(
        BytePacker::rounded(sum.v[0], scale[0]), BytePacker::rounded(sum.v[1], scale[1]),
        BytePacker::rounded(sum.v[2], scale[2]), BytePacker::rounded(sum.v[3], scale[3]));
    store_bytes<kPixels>(out + i * stride, stride, count, kWhole ? 32 : left, q);
  }
}

template <int kGroups>
void all_blocks(const DepthwiseU8S8Tile& t) {
  for (std::int64_t c = 0; c < t.channels; c += 32) {
    const std::int64_t left = t.channels - c;
    (left >= 32   ? block<1, true, kGroups>
     : left > 16  ? block<1, false, kGroups>
     : left == 16 ? block<2, true, kGroups>
                  : block<2, false, kGroups>)(t, c);
  }
}

}  // namespace

void depthwise_u8s8_avx2(const DepthwiseU8S8Tile& t) {
  if (t.taps == 9)
    all_blocks<3>(t);
  else if (t.taps == 25)
    all_blocks<7>(t);
  else
    all_blocks<0>(t);
}

}  // namespace q8
