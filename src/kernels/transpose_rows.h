#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/transpose_kernels.h"

namespace q8 {

// One way to move elements.
struct TransposeRow {
  const char* name;
  Isa isa;
  TransposeFunction bytes1, bytes2, bytes4, bytes8;
};

std::span<const TransposeRow> transpose_rows();  // best first, the last is scalar

}  // namespace q8
