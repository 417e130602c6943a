#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// One tile of C = epilogue(A · B): up to MR rows, one panel of NR columns, one block of k. A tile
// of one row may span up to `row_panels` panels, which lie packed_panel_stride apart. k runs over
// taps and, within each, channels. Every element of C is one chain of fused multiply-adds, k
// ascending, from 0; then acc + bias, + residual, max(lo, ·), min(hi, ·) (NaN stays NaN). So every
// row of the table, tiling and thread count gives the same bits.
struct GemmTileF32 {
  const float* const* rows;     // [taps][MR]: where row i of A has the channels of a tap
  std::int64_t row_offset;      // added to each of them
  std::int64_t taps, channels;  // of this block of k
  const float* packed;          // [taps][packed_tap_stride]; at a tap [channels][NR]
  std::int64_t packed_tap_stride;
  std::int64_t packed_panel_stride;
  float* c;  // the tile's first element
  std::int64_t ldc;
  std::int64_t m, n;      // valid rows, 1 … MR, and columns, 1 … NR
  bool first, last;       // block of k: start from 0, else from C; finish with the epilogue
  const float* bias;      // [n] or null
  const float* residual;  // as c, or null
  std::int64_t ld_residual;
  float lo, hi;
  // What will be read next: one cache line for each step of k is asked for, prefetch_step bytes
  // apart (0: none). Addresses only; nothing need be there.
  const char* prefetch;
  std::int64_t prefetch_step;
};

void gemm_f32_tile_scalar(const GemmTileF32&);
void gemm_f32_tile_avx2(const GemmTileF32&);
void gemm_f32_tile_avx512(const GemmTileF32&);

}  // namespace q8
