#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"

namespace q8 {

struct GemmTileF32;  // kernels/f32/gemm_kernels.h

// One way to compute tiles; all give the same bits.
struct GemmF32Row {
  const char* name;
  Isa isa;
  std::int64_t mr, nr;      // tile
  std::int64_t row_panels;  // panels that a tile of one row may span
  void (*tile)(const GemmTileF32&);
};

std::span<const GemmF32Row> gemm_f32_rows();  // best first, the last is scalar

}  // namespace q8
