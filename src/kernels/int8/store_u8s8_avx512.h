#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/gemm_u8s8_tile.h"

// What the 512-bit kernel files share; in an unnamed namespace, so that nothing of it is shared
// with files compiled for less.

namespace q8 {
namespace {

// Any kind of output from finished sums: stores columns [column, column + 16) of row i.
[[gnu::noinline]] void store_slowly(const TileU8S8& t, int i, int column,
                                    const std::int32_t* sums) {
  __m512i sum = _mm512_loadu_si512(sums);
  const int left = t.columns - column;
  const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1 << left) - 1);
  const std::int64_t at = i * t.out_stride + column;
  if (t.kind == OutputKind::kS32) {
    _mm512_mask_storeu_epi32(static_cast<std::int32_t*>(t.out) + at, mask, sum);
    return;
  }
  // max(low, y) and not max(y, low): equal operands give the second, as std::clamp does with −0.
  __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(t.scale + column));
  if (t.kind == OutputKind::kF32) y = _mm512_add_ps(y, _mm512_loadu_ps(t.offset + column));
  y = _mm512_min_ps(_mm512_set1_ps(t.high), _mm512_max_ps(_mm512_set1_ps(t.low), y));
  if (t.kind == OutputKind::kF32) {
    _mm512_mask_storeu_ps(static_cast<float*>(t.out) + at, mask, y);
    return;
  }
  const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(y), _mm512_set1_epi32(t.zero_point));
  _mm512_mask_cvtepi32_storeu_epi8(static_cast<std::uint8_t*>(t.out) + at, mask, q);
}

}  // namespace
}  // namespace q8
