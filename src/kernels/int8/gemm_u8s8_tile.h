#pragma once

#include <cstddef>
#include <cstdint>

// The plain header of the u8·s8 kernels: what an ISA file sees.

namespace q8 {

enum class OutputKind : int {
  kS32,   // the sums
  kByte,  // clamp(rint(float(sum) · scale) + zero_point, low, high), stored as one byte (u8 or s8)
  kF32,   // clamp(float(sum) · scale + offset, low, high): two roundings, never fused
};

// One tile of C = A·B: up to MR rows by up to NR columns.
//   sum[i][j] = bias[j] + Σ_tap Σ_k a[tap·rows + i][k] · b[tap][k/4][j][k%4] − row_sum[i] ·
//   b_zero_point[j]
// in s32 that wraps around. All per-column arrays are readable up to NR, whatever `columns` says.
struct TileU8S8 {
  const std::uint8_t* const* a;  // [taps][rows]: each points to 4·k4 readable bytes
  std::int64_t taps;
  std::int64_t k4;                   // groups of four k per tap
  const std::int8_t* b;              // [taps][k4][NR][4], 64-byte aligned
  const std::int32_t* bias;          // [NR]
  const std::int32_t* row_sum;       // [rows]; null when every weight zero point is 0
  const std::int32_t* b_zero_point;  // [NR]; read with row_sum
  const float* scale;                // [NR]; unread for kS32
  const float* offset;               // [NR]; read for kF32
  float low, high;                   // kByte: relative to zero_point (q_min − zero_point, …)
  std::int32_t zero_point;           // kByte
  OutputKind kind;
  int rows, columns;
  void* out;                // element (i, j) at out[i · out_stride + j]
  std::int64_t out_stride;  // in elements
  std::int32_t* spill;      // scratch of MR · NR
  // Bytes from what is read of b to what is asked for beside it, as weights may lie far away; 0:
  // nothing is asked for.
  std::int64_t prefetch_ahead;
};

// The tile beside this one: `nr` columns further, in the next panel. element: bytes of an output.
[[maybe_unused]] static void to_next_panel(TileU8S8& tile, int nr, std::int64_t panel_bytes,
                                           std::int64_t element) {
  tile.b += panel_bytes;
  tile.bias += nr;
  if (tile.row_sum != nullptr) tile.b_zero_point += nr;
  if (tile.kind != OutputKind::kS32) tile.scale += nr;
  if (tile.kind == OutputKind::kF32) tile.offset += nr;
  tile.out = static_cast<char*>(tile.out) + nr * element;
}

using TileU8S8Function = void (*)(const TileU8S8& tile);

// What is known before the first strip: no strip has more rows or columns.
struct StripShape {
  int most_rows;
  std::int64_t most_columns, taps, k4;
};

// The same rows against several panels, one behind the other.
struct StripU8S8 {
  TileU8S8 tile;             // of the first panel; `columns` counts those of all panels
  std::int64_t panel_bytes;  // from one panel of b to the next
  StripShape shape;
  std::uint8_t* scratch;  // 64-byte aligned
};

// Kernels that arrange the rows once for all panels, or must prepare the processor. run() is called
// between begin() and end(), on one thread.
struct StripKernels {
  std::int64_t (*scratch_bytes)(const StripShape& shape);
  void (*begin)(const StripShape& shape);
  void (*run)(const StripU8S8& strip);
  void (*end)(const StripShape& shape);
};

void tile_u8s8_scalar(const TileU8S8& tile);      // 4×16, the specification
void tile_u8s8_neondot(const TileU8S8& tile);     // 4×16
void tile_u8s8_avxvnni(const TileU8S8& tile);     // 6×16
void tile_u8s8_avx512vnni(const TileU8S8& tile);  // 12×32

extern const StripKernels kStripU8S8Amx;   // 64×32
extern const StripKernels kStripU8S8Avx2;  // 6×16

}  // namespace q8
