#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/transpose_kernels.h"

namespace q8 {
namespace {

template <typename T>
void transpose_plain(const T* in, std::int64_t in_stride, T* out, std::int64_t out_stride,
                     std::int64_t rows, std::int64_t columns) {
  for (std::int64_t c = 0; c < columns; ++c)
    for (std::int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
}

// Size × Size elements by Block, the edges one by one.
template <typename T, int Size, void (*Block)(const T*, std::int64_t, T*, std::int64_t)>
void transpose_blocks(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                      std::int64_t rows, std::int64_t columns) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  const std::int64_t whole_rows = rows - rows % Size, whole_columns = columns - columns % Size;
  for (std::int64_t c = 0; c < whole_columns; c += Size)
    for (std::int64_t r = 0; r < whole_rows; r += Size)
      Block(from + r * in_stride + c, in_stride, to + c * out_stride + r, out_stride);
  transpose_plain(from + whole_rows * in_stride, in_stride, to + whole_rows, out_stride,
                  rows - whole_rows, columns);
  transpose_plain(from + whole_columns, in_stride, to + whole_columns * out_stride, out_stride,
                  whole_rows, columns - whole_columns);
}

void block_4(const std::uint32_t* in, std::int64_t in_stride, std::uint32_t* out,
             std::int64_t out_stride) {
  __m256 r[8], s[8];
  for (int i = 0; i < 8; ++i)
    r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(in + i * in_stride));
  for (int i = 0; i < 8; i += 4) {
    const __m256 a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
    const __m256 c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]),
                 d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
    s[i] = _mm256_shuffle_ps(a, c, 0x44);
    s[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    s[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    s[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(reinterpret_cast<float*>(out + i * out_stride),
                     _mm256_permute2f128_ps(s[i], s[i + 4], 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(out + (i + 4) * out_stride),
                     _mm256_permute2f128_ps(s[i], s[i + 4], 0x31));
  }
}

__m128i load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
void store(void* p, __m128i v) {
  _mm_storeu_si128(static_cast<__m128i*>(p), v);
}

void block_2(const std::uint16_t* in, std::int64_t in_stride, std::uint16_t* out,
             std::int64_t out_stride) {
  __m128i r[8], s[8];
  for (int i = 0; i < 8; ++i) r[i] = load(in + i * in_stride);
  // Three perfect shuffles of the 8 rows transpose them.
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      s[2 * i] = _mm_unpacklo_epi16(r[i], r[i + 4]);
      s[2 * i + 1] = _mm_unpackhi_epi16(r[i], r[i + 4]);
    }
    for (int i = 0; i < 8; ++i) r[i] = s[i];
  }
  for (int i = 0; i < 8; ++i) store(out + i * out_stride, r[i]);
}

void block_1(const std::uint8_t* in, std::int64_t in_stride, std::uint8_t* out,
             std::int64_t out_stride) {
  __m128i r[16], s[16];
  for (int i = 0; i < 16; ++i) r[i] = load(in + i * in_stride);
    // Four perfect shuffles of the 16 rows transpose them.
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      s[2 * i] = _mm_unpacklo_epi8(r[i], r[i + 8]);
      s[2 * i + 1] = _mm_unpackhi_epi8(r[i], r[i + 8]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) r[i] = s[i];
  }
  for (int i = 0; i < 16; ++i) store(out + i * out_stride, r[i]);
}

}  // namespace

void transpose_avx2_1(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                      std::int64_t rows, std::int64_t columns) {
  transpose_blocks<std::uint8_t, 16, block_1>(in, in_stride, out, out_stride, rows, columns);
}

void transpose_avx2_2(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                      std::int64_t rows, std::int64_t columns) {
  transpose_blocks<std::uint16_t, 8, block_2>(in, in_stride, out, out_stride, rows, columns);
}

void transpose_avx2_4(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                      std::int64_t rows, std::int64_t columns) {
  transpose_blocks<std::uint32_t, 8, block_4>(in, in_stride, out, out_stride, rows, columns);
}

}  // namespace q8
