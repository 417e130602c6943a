#pragma once

#include <span>

#include "base/isa.h"
#include "kernels/int8/quantize_kernels.h"

namespace q8 {

// One way to convert between reals and bytes. All rows give the same bits.
struct QuantizeRow {
  const char* name;
  Isa isa;
  void (*quantize)(const QuantizeSpan&);
  void (*dequantize)(const DequantizeSpan&);
  void (*combine)(const CombineSpan&);
  FloatRange (*range)(const float*, std::int64_t);
};

std::span<const QuantizeRow> quantize_rows();  // best first; the last one is scalar

}  // namespace q8
