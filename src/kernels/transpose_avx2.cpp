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

// Byte j of 48 in a line comes from row j % 3, column j / 3: for each 16 of them and each row the
// index of the byte, or one that gives 0.
struct Thirds {
  std::int8_t index[3][3][16];
};
constexpr Thirds kThirds = [] {
  Thirds thirds{};
  for (int j = 0; j < 48; ++j)
    for (int row = 0; row < 3; ++row)
      thirds.index[j / 16][row][j % 16] = static_cast<std::int8_t>(j % 3 == row ? j / 3 : -1);
  return thirds;
}();

// Three rows into columns without gaps: the planes of an image into pixels. Returns how many
// columns are done, all but the last few.
std::int64_t interleave_3(const std::uint8_t* in, std::int64_t in_stride, std::uint8_t* out,
                          std::int64_t columns) {
  __m128i index[3][3];
  for (int part = 0; part < 3; ++part)
    for (int row = 0; row < 3; ++row) index[part][row] = load(kThirds.index[part][row]);
  std::int64_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    const __m128i r0 = load(in + c), r1 = load(in + in_stride + c),
                  r2 = load(in + 2 * in_stride + c);
    for (int part = 0; part < 3; ++part)
      store(out + 3 * c + 16 * part,
            _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(r0, index[part][0]),
                                      _mm_shuffle_epi8(r1, index[part][1])),
                         _mm_shuffle_epi8(r2, index[part][2])));
  }
  return c;
}

}  // namespace

void transpose_avx2_1(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                      std::int64_t rows, std::int64_t columns) {
  std::int64_t done = 0;
  if (rows == 3 && out_stride == 3)
    done = interleave_3(static_cast<const std::uint8_t*>(in), in_stride,
                        static_cast<std::uint8_t*>(out), columns);
  transpose_blocks<std::uint8_t, 16, block_1>(
      static_cast<const std::uint8_t*>(in) + done, in_stride,
      static_cast<std::uint8_t*>(out) + done * out_stride, out_stride, rows, columns - done);
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
