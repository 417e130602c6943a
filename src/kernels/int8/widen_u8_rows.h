#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/int8/widen_u8_kernels.h"

namespace q8 {

// One way to make floats of bytes by column. All rows give the same bits.
struct WidenU8Row {
  const char* name;
  Isa isa;
  void (*widen)(const WidenSpan&);
};

std::span<const WidenU8Row> widen_u8_rows();  // best first; the last one is scalar

}  // namespace q8
