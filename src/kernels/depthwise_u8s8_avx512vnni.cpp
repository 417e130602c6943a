#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/depthwise_u8s8_tile.h"
#include "kernels/requantize_pack_avx512.h"

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

// 64 numbers in natural order to lane order.
inline __m512i lane_order(const void* numbers, int v) {
  const auto* at = static_cast<const std::int32_t*>(numbers) + 4 * v;
  const auto quarter = [&](int lane) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * lane));
  };
  __m512i out = _mm512_castsi128_si512(quarter(0));
  out = _mm512_inserti32x4(out, quarter(1), 1);
  out = _mm512_inserti32x4(out, quarter(2), 2);
  return _mm512_inserti32x4(out, quarter(3), 3);
}

void arrange_weights(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  for (std::int64_t tap = 0; tap < t.taps; tap += 4) {
    const auto load = [&](std::int64_t at) {
      return at < t.taps ? _mm512_load_si512(t.weights + at * t.weight_stride + channel)
                         : _mm512_setzero_si512();
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

void store_slowly(const DepthwiseU8S8Tile& t, std::int64_t pixel, std::int64_t channel,
                  const Quad& sum) {
  alignas(64) std::int32_t sums[4][16];
  for (int v = 0; v < 4; ++v) _mm512_store_si512(sums[v], sum.v[v]);
  for (std::int64_t c = 0; c < 64 && channel + c < t.channels; ++c) {
    const std::int32_t total = sums[c / 4 % 4][c / 16 * 4 + c % 4];
    const std::int64_t at = pixel * t.out_stride + channel + c;
    if (t.kind == OutputKind::kS32) {
      static_cast<std::int32_t*>(t.out)[at] = total;
    } else {
      const float y = static_cast<float>(total) * t.scale[channel + c] + t.offset[channel + c];
      static_cast<float*>(t.out)[at] = y < t.low ? t.low : (t.high < y ? t.high : y);
    }
  }
}

// kGroups > 0: taps are known to lie in that many groups of four, the last one of kLast taps.
template <int kGroups, int kLast>
void channels64(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  const std::int64_t left = t.channels - channel;
  const __mmask64 mask = left >= 64 ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
  const std::int64_t groups = kGroups > 0 ? kGroups : (t.taps + 3) / 4;
  const int last = kGroups > 0 ? kLast : static_cast<int>(t.taps - 4 * (groups - 1));
  arrange_weights(t, channel);
  Quad bias;
  __m512 scale[4];
  for (int v = 0; v < 4; ++v) {
    bias.v[v] = lane_order(t.bias + channel, v);
    scale[v] = t.kind == OutputKind::kS32 ? _mm512_setzero_ps()
                                          : _mm512_castsi512_ps(lane_order(t.scale + channel, v));
  }
  const BytePacker packer(t.zero_point, t.kind == OutputKind::kByte ? t.low : 0,
                          t.kind == OutputKind::kByte ? t.high : 0);
  const __m512i zero = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < t.pixels; ++i) {
    const std::uint8_t* const* rows = t.rows + i;
    const auto load = [&](std::int64_t tap) {
      return _mm512_maskz_loadu_epi8(mask, rows[tap * t.pixels] + channel);
    };
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
    if (t.kind != OutputKind::kByte) {
      store_slowly(t, i, channel, sum);
      continue;
    }
    const __m512i q = packer.pack(
        BytePacker::rounded(sum.v[0], scale[0]), BytePacker::rounded(sum.v[1], scale[1]),
        BytePacker::rounded(sum.v[2], scale[2]), BytePacker::rounded(sum.v[3], scale[3]));
    std::uint8_t* out = static_cast<std::uint8_t*>(t.out) + i * t.out_stride + channel;
    if (left >= 64)
      _mm512_storeu_si512(out, q);
    else
      _mm512_mask_storeu_epi8(out, mask, q);
  }
}

}  // namespace

void depthwise_u8s8_avx512vnni(const DepthwiseU8S8Tile& t) {
  for (std::int64_t c = 0; c < t.channels; c += 64) {
    if (t.taps == 9)
      channels64<3, 1>(t, c);
    else if (t.taps == 25)
      channels64<7, 1>(t, c);
    else
      channels64<0, 0>(t, c);
  }
}

}  // namespace q8
