#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// Bytes with parameters by column become floats: out[r][j] = float(q[r][j] − zero_point[j]) ·
// scale[j], the bytes as u8, or s8 where is_signed. q and out are dense, [rows][columns].
struct WidenSpan {
  const std::uint8_t* q;
  std::int64_t rows, columns;  // columns: a multiple of 16, and of 8 for the scalar row
  const float* scale;          // [columns]
  const std::int32_t* zero_point;
  bool is_signed;
  float* out;
};

void widen_u8_scalar(const WidenSpan& span);
void widen_u8_avx2(const WidenSpan& span);
void widen_u8_avx512(const WidenSpan& span);

}  // namespace q8
