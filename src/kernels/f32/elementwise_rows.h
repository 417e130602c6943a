#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/f32/elementwise_kernels.h"

namespace q8 {

// One set of elementwise functions; all give the same bits.
struct ElementwiseF32Row {
  const char* name;
  Isa isa;
  const ElementwiseF32Functions* functions;
};

std::span<const ElementwiseF32Row> elementwise_f32_rows();  // best first, the last is scalar

}  // namespace q8
