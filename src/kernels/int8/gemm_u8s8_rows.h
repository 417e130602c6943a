#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/int8/gemm_u8s8_tile.h"

namespace q8 {

class OverflowCounter;

// One way to compute tiles of u8·s8 products. All rows give the same bits.
struct GemmU8S8Row {
  const char* name;
  Isa isa;
  int mr, nr;             // the largest tile
  TileU8S8Function tile;  // null where `strip` is given
  const StripKernels* strip = nullptr;
  OverflowCounter* overflow = nullptr;  // counts every tile, where given: overflow.h
};

std::span<const GemmU8S8Row> gemm_u8s8_rows();  // best first; the last one is scalar

}  // namespace q8
