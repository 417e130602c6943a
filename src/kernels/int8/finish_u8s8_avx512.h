#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/requantize_pack_avx512.h"
#include "kernels/int8/store_u8s8_avx512.h"

// For AVX-512 kernel files only; in an unnamed namespace, so that nothing of it is shared with
// files compiled for less.

namespace q8 {
namespace {

// A block of at most kNr columns whose sums are in memory, [rows][kNr], and how many of its rows
// are stored already: a kernel that leaves the vector units free finishes one while it computes the
// next.
template <int kNr>
class BlockFinisher {
 public:
  // sums: written to where the tile has zero points of weights.
  void start(const TileU8S8& tile, const std::int32_t* row_sum, std::int32_t* sums) {
    t_ = tile;
    t_.row_sum = row_sum;
    sums_ = sums;
    done_ = 0;
    if (t_.kind != OutputKind::kByte) return;
    packer_ = BytePacker(t_.zero_point, t_.low, t_.high);
    scale_[0] = _mm512_loadu_ps(t_.scale);
    scale_[1] = _mm512_loadu_ps(t_.scale + 16);
    is_plain_ = BytePacker::is_plain(t_.zero_point, t_.low, t_.high, scale_[0], scale_[1]);
  }

  void rows_up_to(int end) {
    if (end > t_.rows) end = t_.rows;
    if (done_ >= end) return;
    if (t_.row_sum != nullptr) subtract_zero_points(end);
    if (t_.kind == OutputKind::kF32)
      store_floats(end);
    else if (t_.kind == OutputKind::kS32)
      store_sums(end);
    else if (is_plain_)
      store_bytes<true>(end);
    else
      store_bytes<false>(end);
  }

  void finish() { rows_up_to(t_.rows); }

 private:
  void subtract_zero_points(int end) {
    for (int row = done_; row < end; ++row)
      for (int column = 0; column < t_.columns; column += 16) {
        std::int32_t* at = sums_ + row * kNr + column;
        const __m512i product = _mm512_mullo_epi32(_mm512_set1_epi32(t_.row_sum[row]),
                                                   _mm512_loadu_si512(t_.b_zero_point + column));
        _mm512_storeu_si512(at, _mm512_sub_epi32(_mm512_loadu_si512(at), product));
      }
  }

  void store_sums(int end) {
    for (; done_ < end; ++done_)
      for (int column = 0; column < t_.columns; column += 16)
        store_slowly(t_, done_, column, sums_ + done_ * kNr + column);
  }

  void store_floats(int end) {
    const __m512 low = _mm512_set1_ps(t_.low), high = _mm512_set1_ps(t_.high);
    for (int column = 0; column < t_.columns; column += 16) {
      const int left = t_.columns - column;
      const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
      const __m512 scale = _mm512_loadu_ps(t_.scale + column);
      const __m512 offset = _mm512_loadu_ps(t_.offset + column);
      const std::int32_t* sums = sums_ + done_ * kNr + column;
      float* out = static_cast<float*>(t_.out) + done_ * t_.out_stride + column;
      for (int row = done_; row < end; ++row, sums += kNr, out += t_.out_stride) {
        const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), scale);
        // max(low, y), as store_slowly
        _mm512_mask_storeu_ps(out, mask,
                              _mm512_min_ps(high, _mm512_max_ps(low, _mm512_add_ps(y, offset))));
      }
    }
    done_ = end;
  }

  // Everything in locals: bytes that are stored might be members, for all that the compiler knows.
  template <bool kPlain>
  void store_bytes(int end) {
    const __m512 scale0 = scale_[0], scale1 = scale_[1];
    const BytePacker packer = packer_;
    const std::int64_t stride = t_.out_stride;
    const auto mask = static_cast<__mmask32>((std::uint64_t{1} << t_.columns) - 1);
    const bool whole = t_.columns == kNr;
    const int rows = t_.rows;
    int row = done_;
    auto* to = static_cast<std::uint8_t*>(t_.out) + row * stride;
    const std::int32_t* sums = sums_ + row * kNr;
    const auto rounded = [sums = &sums](int at, __m512 scale) {
      return BytePacker::rounded<kPlain>(_mm512_loadu_si512(*sums + at), scale);
    };
    for (; row < end; row += 2, to += 2 * stride, sums += 2 * kNr) {
      const __m512i q = packer.template pack_in_order<kPlain>(
          rounded(0, scale0), rounded(16, scale1), rounded(kNr, scale0), rounded(kNr + 16, scale1));
      const __m256i first = _mm512_castsi512_si256(q), second = _mm512_extracti64x4_epi64(q, 1);
      if (whole && row + 1 < rows) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), first);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + stride), second);
      } else {
        _mm256_mask_storeu_epi8(to, mask, first);
        if (row + 1 < rows) _mm256_mask_storeu_epi8(to + stride, mask, second);
      }
    }
    done_ = row;
  }

  TileU8S8 t_ = {};
  std::int32_t* sums_ = nullptr;
  int done_ = 0;
  bool is_plain_ = false;
  BytePacker packer_{0, 0, 0};
  __m512 scale_[2] = {};
};

}  // namespace
}  // namespace q8
