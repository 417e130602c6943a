#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/depthwise_u8s8_store.h"
#include "kernels/int8/depthwise_u8s8_tile.h"
#include "kernels/int8/requantize_pack_avx512.h"

// 64 channels at a time. Four taps of 64 bytes are interleaved within 128-bit lanes, so that each
// dword holds the four taps of one channel and one vpdpbusd does 64 multiply-adds. Sums then stand
// in "lane order": dword 4·L + d of vector v is channel 16·L + 4·v + d. Packing to bytes restores
// the order.

namespace q8 {
namespace {

struct Quad {
  __m512i v[4];
};

inline Quad interleave(__m512i t0, __m512i t1, __m512i t2, __m512i t3) {
  const __m512i low01 = _mm512_unpacklo_epi8(t0, t1), high01 = _mm512_unpackhi_epi8(t0, t1);
  const __m512i low23 = _mm512_unpacklo_epi8(t2, t3), high23 = _mm512_unpackhi_epi8(t2, t3);
  return {{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
           _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

// interleave(t, 0, 0, 0): a byte of the index with its top bit set gives 0.
inline Quad alone(__m512i t) {
  Quad q;
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const auto byte = [v](int d) { return static_cast<int>(0x80808000u) | (4 * v + d); };
    const __m128i lane = _mm_setr_epi32(byte(0), byte(1), byte(2), byte(3));
    q.v[v] = _mm512_shuffle_epi8(t, _mm512_broadcast_i32x4(lane));
  }
  return q;
}

// 64 / kPixels numbers in natural order to lane order, the same for each pixel.
template <int kPixels>
inline __m512i lane_order(const void* numbers, int v) {
  const auto* at = static_cast<const std::int32_t*>(numbers) + 4 * v;
  const auto quarter = [&](int lane) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * (lane % (4 / kPixels))));
  };
  __m512i out = _mm512_castsi128_si512(quarter(0));
  out = _mm512_inserti32x4(out, quarter(1), 1);
  out = _mm512_inserti32x4(out, quarter(2), 2);
  return _mm512_inserti32x4(out, quarter(3), 3);
}

template <bool kWhole>
inline __m128i load16(const std::uint8_t* at, __mmask64 mask) {
  if constexpr (kWhole) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return _mm_maskz_loadu_epi8(static_cast<__mmask16>(mask), at);
}

template <bool kWhole>
inline __m256i load32(const std::uint8_t* at, __mmask64 mask) {
  if constexpr (kWhole) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  return _mm256_maskz_loadu_epi8(static_cast<__mmask32>(mask), at);
}

// The first 64 / kPixels bytes from each pointer at rows[0 … kPixels). `mask` gives the bytes there
// are; kWhole: all of them.
template <int kPixels, bool kWhole>
inline __m512i load_pixels(const std::uint8_t* const* rows, std::int64_t channel, __mmask64 mask) {
  const auto at = [&](int pixel) { return rows[pixel] + channel; };
  if constexpr (kPixels == 1) {
    if constexpr (kWhole) return _mm512_loadu_si512(at(0));
    return _mm512_maskz_loadu_epi8(mask, at(0));
  } else if constexpr (kPixels == 2) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(load32<kWhole>(at(0), mask)),
                              load32<kWhole>(at(1), mask), 1);
  } else {
    __m512i out = _mm512_castsi128_si512(load16<kWhole>(at(0), mask));
    out = _mm512_inserti32x4(out, load16<kWhole>(at(1), mask), 1);
    out = _mm512_inserti32x4(out, load16<kWhole>(at(2), mask), 2);
    return _mm512_inserti32x4(out, load16<kWhole>(at(3), mask), 3);
  }
}

template <int kPixels>
void arrange_weights(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  for (std::int64_t tap = 0; tap < t.taps; tap += 4) {
    const auto load = [&](std::int64_t at) {
      const auto* weights = reinterpret_cast<const std::uint8_t*>(t.weights + at * t.weight_stride);
      const std::uint8_t* const same[4] = {weights, weights, weights, weights};
      return at < t.taps ? load_pixels<kPixels, true>(same, channel, 0) : _mm512_setzero_si512();
    };
    const Quad q = interleave(load(tap), load(tap + 1), load(tap + 2), load(tap + 3));
    for (int v = 0; v < 4; ++v) _mm512_store_si512(t.scratch + tap * 64 + 64 * v, q.v[v]);
  }
}

inline void accumulate(Quad& sum, const Quad& input, const std::int8_t* weights) {
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v)
    sum.v[v] = _mm512_dpbusd_epi32(sum.v[v], input.v[v], _mm512_load_si512(weights + 64 * v));
}

template <int kPixels>
void store_slowly(const DepthwiseU8S8Tile& t, std::int64_t pixel, std::int64_t count,
                  std::int64_t channel, const Quad& sum) {
  alignas(64) std::int32_t sums[64];
  for (int v = 0; v < 4; ++v) _mm512_store_si512(sums + 16 * v, sum.v[v]);
  store_wide<64, kPixels>(t, pixel, count, channel, sums);
}

template <int kPixels>
inline void store_bytes(std::uint8_t* out, std::int64_t stride, std::int64_t count, __mmask64 mask,
                        __m512i q) {
  if constexpr (kPixels == 1) {
    if (mask == ~__mmask64{0})
      _mm512_storeu_si512(out, q);
    else
      _mm512_mask_storeu_epi8(out, mask, q);
  } else if (kPixels == 2 && count == 2 && static_cast<__mmask32>(mask) == ~__mmask32{0}) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(q));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + stride), _mm512_extracti64x4_epi64(q, 1));
  } else if constexpr (kPixels == 2) {
    const auto half = static_cast<__mmask32>(mask);
    _mm256_mask_storeu_epi8(out, half, _mm512_castsi512_si256(q));
    if (count > 1) _mm256_mask_storeu_epi8(out + stride, half, _mm512_extracti64x4_epi64(q, 1));
  } else {
    const auto quarter = static_cast<__mmask16>(mask);
    _mm_mask_storeu_epi8(out, quarter, _mm512_castsi512_si128(q));
    if (count > 1) _mm_mask_storeu_epi8(out + stride, quarter, _mm512_extracti32x4_epi32(q, 1));
    if (count > 2) _mm_mask_storeu_epi8(out + 2 * stride, quarter, _mm512_extracti32x4_epi32(q, 2));
    if (count > 3) _mm_mask_storeu_epi8(out + 3 * stride, quarter, _mm512_extracti32x4_epi32(q, 3));
  }
}

template <bool kPlain>
inline __m512i packed(const BytePacker& packer, const Quad& sum, const __m512 (&scale)[4]) {
  const auto rounded = [&](int v) { return BytePacker::rounded<kPlain>(sum.v[v], scale[v]); };
  return packer.pack<kPlain>(rounded(0), rounded(1), rounded(2), rounded(3));
}

// Asks for the next 64 channels of a pixel, which lie a line further: the first and the last tap
// reach all pixels of a run, and what another thread wrote last is far away.
inline void ask_for_next(const DepthwiseU8S8Tile& t, const std::uint8_t* const* rows,
                         std::int64_t pixel, std::int64_t channel, std::int64_t element) {
  __builtin_prefetch(rows[0] + channel + 64);
  __builtin_prefetch(rows[(t.taps - 1) * kDepthwiseRun] + channel + 64);
  __builtin_prefetch(
      static_cast<const char*>(t.out) + (pixel * t.out_stride + channel + 64) * element, 1);
}

// kGroups > 0: taps are known to lie in that many groups of four, the last one of kLast taps.
// Reads kPixels pointers at a time: the table of a run has room for them, and what lies behind the
// last pixel points to readable bytes.
template <int kPixels, bool kWhole, int kGroups, int kLast>
void block(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  const std::int64_t left = t.channels - channel;
  const __mmask64 mask = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
  const std::int64_t groups = kGroups > 0 ? kGroups : (t.taps + 3) / 4;
  const int last = kGroups > 0 ? kLast : static_cast<int>(t.taps - 4 * (groups - 1));
  arrange_weights<kPixels>(t, channel);
  Quad bias;
  __m512 scale[4];
  for (int v = 0; v < 4; ++v) {
    bias.v[v] = lane_order<kPixels>(t.bias + channel, v);
    scale[v] = t.kind == OutputKind::kS32
                   ? _mm512_setzero_ps()
                   : _mm512_castsi512_ps(lane_order<kPixels>(t.scale + channel, v));
  }
  const bool bytes = t.kind == OutputKind::kByte;
  const BytePacker packer(t.zero_point, bytes ? t.low : 0, bytes ? t.high : 0);
  const bool is_plain = bytes &&
                        BytePacker::is_plain(t.zero_point, t.low, t.high, scale[0], scale[1]) &&
                        BytePacker::is_plain(t.zero_point, t.low, t.high, scale[2], scale[3]);
  const __m512i zero = _mm512_setzero_si512();
  const std::int64_t element = bytes ? 1 : 4;
  for (std::int64_t i = 0; i < t.pixels; i += kPixels) {
    const std::uint8_t* const* rows = t.rows + i;
    const auto load = [&](std::int64_t tap) {
      return load_pixels<kPixels, kWhole>(rows + tap * kDepthwiseRun, channel, mask);
    };
    ask_for_next(t, rows, i, channel, element);
    Quad sum = bias;
#pragma GCC unroll 8
    for (std::int64_t g = 0; g + 1 < groups; ++g)
      accumulate(sum, interleave(load(4 * g), load(4 * g + 1), load(4 * g + 2), load(4 * g + 3)),
                 t.scratch + g * 256);
    const std::int64_t tap = 4 * (groups - 1);
    const Quad rest = last == 1
                          ? alone(load(tap))
                          : interleave(load(tap), load(tap + 1), last > 2 ? load(tap + 2) : zero,
                                       last > 3 ? load(tap + 3) : zero);
    accumulate(sum, rest, t.scratch + (groups - 1) * 256);
    const std::int64_t count = t.pixels - i < kPixels ? t.pixels - i : kPixels;
    if (!bytes) {
      store_slowly<kPixels>(t, i, count, channel, sum);
      continue;
    }
    const __m512i q =
        is_plain ? packed<true>(packer, sum, scale) : packed<false>(packer, sum, scale);
    store_bytes<kPixels>(static_cast<std::uint8_t*>(t.out) + i * t.out_stride + channel,
                         t.out_stride, count, mask, q);
  }
}

template <int kGroups, int kLast>
void all_blocks(const DepthwiseU8S8Tile& t) {
  for (std::int64_t c = 0; c < t.channels; c += 64) {
    const std::int64_t left = t.channels - c;
    (left >= 64   ? block<1, true, kGroups, kLast>
     : left > 32  ? block<1, false, kGroups, kLast>
     : left == 32 ? block<2, true, kGroups, kLast>
     : left > 16  ? block<2, false, kGroups, kLast>
     : left == 16 ? block<4, true, kGroups, kLast>
                  : block<4, false, kGroups, kLast>)(t, c);
  }
}

}  // namespace

void depthwise_u8s8_avx512vnni(const DepthwiseU8S8Tile& t) {
  if (t.taps == 9)
    all_blocks<3, 1>(t);
  else if (t.taps == 25)
    all_blocks<7, 1>(t);
  else
    all_blocks<0, 0>(t);
}

}  // namespace q8
