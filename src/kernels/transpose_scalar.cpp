#include <cstdint>

#include "kernels/transpose_kernels.h"

namespace q8 {
namespace {

template <typename T>
void transpose_plain(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                     std::int64_t rows, std::int64_t columns) {
  const T* from = static_cast<const T*>(in);
  T* to = static_cast<T*>(out);
  for (std::int64_t c = 0; c < columns; ++c)
    for (std::int64_t r = 0; r < rows; ++r) to[c * out_stride + r] = from[r * in_stride + c];
}

}  // namespace

void transpose_scalar_1(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                        std::int64_t rows, std::int64_t columns) {
  transpose_plain<std::uint8_t>(in, in_stride, out, out_stride, rows, columns);
}

void transpose_scalar_2(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                        std::int64_t rows, std::int64_t columns) {
  transpose_plain<std::uint16_t>(in, in_stride, out, out_stride, rows, columns);
}

void transpose_scalar_4(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                        std::int64_t rows, std::int64_t columns) {
  transpose_plain<std::uint32_t>(in, in_stride, out, out_stride, rows, columns);
}

void transpose_scalar_8(const void* in, std::int64_t in_stride, void* out, std::int64_t out_stride,
                        std::int64_t rows, std::int64_t columns) {
  transpose_plain<std::uint64_t>(in, in_stride, out, out_stride, rows, columns);
}

}  // namespace q8
