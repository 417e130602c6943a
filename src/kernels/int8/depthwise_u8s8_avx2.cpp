#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/depthwise_u8s8_tile.h"

// 16 channels at a time, two taps for one vpmaddwd on 16-bit values (exact). Sums stand in the
// order of the unpacking: `low` channels 0–3 and 8–11, `high` 4–7 and 12–15; packing restores it.

namespace q8 {
namespace {

struct Sums {
  __m256i low, high;
};

inline __m256 floats(const float* at) {
  return _mm256_loadu_ps(at);
}

// Natural order (two vectors of eight) to that of the sums.
inline Sums arranged(__m256i first, __m256i second) {
  return {_mm256_permute2x128_si256(first, second, 0x20),
          _mm256_permute2x128_si256(first, second, 0x31)};
}

inline Sums load_arranged(const void* numbers) {
  const auto* at = static_cast<const __m256i*>(numbers);
  return arranged(_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1));
}

// Bytes [channel, channel + 16) of a row that ends at `channels`.
inline __m128i load_bytes(const void* row, std::int64_t left) {
  if (left >= 16) return _mm_loadu_si128(static_cast<const __m128i*>(row));
  alignas(16) std::uint8_t bytes[16] = {};
  __builtin_memcpy(bytes, row, static_cast<std::size_t>(left));
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}

inline void store(const DepthwiseU8S8Tile& t, std::int64_t pixel, std::int64_t channel,
                  const Sums& sums) {
  const std::int64_t left = t.channels - channel < 16 ? t.channels - channel : 16;
  const std::int64_t at = pixel * t.out_stride + channel;
  const Sums natural = arranged(sums.low, sums.high);
  __m256i out[2] = {natural.low, natural.high};
  std::int64_t element = 4;
  if (t.kind != OutputKind::kS32) {
    __m256 y[2];
    for (int v = 0; v < 2; ++v) {
      y[v] = _mm256_mul_ps(_mm256_cvtepi32_ps(out[v]), floats(t.scale + channel + 8 * v));
      if (t.kind == OutputKind::kF32)
        y[v] = _mm256_add_ps(y[v], floats(t.offset + channel + 8 * v));
      y[v] = _mm256_min_ps(_mm256_set1_ps(t.high), _mm256_max_ps(_mm256_set1_ps(t.low), y[v]));
      out[v] = t.kind == OutputKind::kF32
                   ? _mm256_castps_si256(y[v])
                   : _mm256_and_si256(_mm256_add_epi32(_mm256_cvtps_epi32(y[v]),
                                                       _mm256_set1_epi32(t.zero_point)),
                                      _mm256_set1_epi32(0xff));
    }
    if (t.kind == OutputKind::kByte) {
      const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(out[0], out[1]), 0xd8);
      out[0] = _mm256_castsi128_si256(
          _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
      element = 1;
    }
  }
  __builtin_memcpy(static_cast<char*>(t.out) + at * element, out,
                   static_cast<std::size_t>(left * element));
}

void channels16(const DepthwiseU8S8Tile& t, std::int64_t channel) {
  const std::int64_t left = t.channels - channel;
  const std::int64_t pairs = (t.taps + 1) / 2;
  // The weights of two taps as 16-bit pairs: [pair][low, high], 64 bytes a pair.
  auto* weights = reinterpret_cast<__m256i*>(t.scratch);
  for (std::int64_t p = 0; p < pairs; ++p) {
    const auto load = [&](std::int64_t tap) {
      return tap < t.taps ? _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(
                                t.weights + tap * t.weight_stride + channel)))
                          : _mm256_setzero_si256();
    };
    const __m256i even = load(2 * p), odd = load(2 * p + 1);
    _mm256_store_si256(weights + 2 * p, _mm256_unpacklo_epi16(even, odd));
    _mm256_store_si256(weights + 2 * p + 1, _mm256_unpackhi_epi16(even, odd));
  }
  const Sums bias = load_arranged(t.bias + channel);
  for (std::int64_t i = 0; i < t.pixels; ++i) {
    Sums sums = bias;
    for (std::int64_t p = 0; p < pairs; ++p) {
      const auto load = [&](std::int64_t tap) {
        return _mm256_cvtepu8_epi16(load_bytes(t.rows[tap * kDepthwiseRun + i] + channel, left));
      };
      const __m256i even = load(2 * p);
      const __m256i odd = 2 * p + 1 < t.taps ? load(2 * p + 1) : _mm256_setzero_si256();
      sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(_mm256_unpacklo_epi16(even, odd),
                                                              _mm256_load_si256(weights + 2 * p)));
      sums.high =
          _mm256_add_epi32(sums.high, _mm256_madd_epi16(_mm256_unpackhi_epi16(even, odd),
                                                        _mm256_load_si256(weights + 2 * p + 1)));
    }
    store(t, i, channel, sums);
  }
}

}  // namespace

void depthwise_u8s8_avx2(const DepthwiseU8S8Tile& t) {
  for (std::int64_t c = 0; c < t.channels; c += 16) channels16(t, c);
}

}  // namespace q8
