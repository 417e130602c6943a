#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// out[c · out_stride + r] = in[r · in_stride + c] for r < rows, c < columns; strides in elements.
using TransposeFunction = void (*)(const void* in, std::int64_t in_stride, void* out,
                                   std::int64_t out_stride, std::int64_t rows,
                                   std::int64_t columns);

void transpose_scalar_1(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_2(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_4(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_scalar_8(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_1(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_2(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);
void transpose_avx2_4(const void*, std::int64_t, void*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace q8
