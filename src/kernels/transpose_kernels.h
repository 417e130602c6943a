#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"

namespace q8 {

// out[c · out_stride + r] = in[r · in_stride + c] for r < rows, c < columns; strides in elements.
using TransposeFunction = void (*)(const void* in, std::int64_t in_stride, void* out,
                                   std::int64_t out_stride, std::int64_t rows,
                                   std::int64_t columns);

struct TransposeRow {
  const char* name;
  Isa isa;
  TransposeFunction bytes1, bytes2, bytes4, bytes8;
};

std::span<const TransposeRow> transpose_rows();  // best first, the last is scalar

void transpose_scalar_1(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_2(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_4(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_8(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_1(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_2(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_4(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace q8
