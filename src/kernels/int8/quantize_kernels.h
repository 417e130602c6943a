#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// How bytes stand for reals: real = scale · (q − zero_point), q a u8 or s8.
struct ByteFormat {
  float scale = 1;
  std::int32_t zero_point = 0;
  bool is_signed = false;
};

// out[i] = clamp(rint(x[i] / scale) + zero_point, low, high) as a byte; a division, as ONNX
// QuantizeLinear defines it. NaN gives low, as in ONNX Runtime's x86 kernels.
struct QuantizeSpan {
  const float* x;
  std::int64_t count;
  float scale;
  std::int32_t zero_point, low, high;
  std::uint8_t* out;
};

// out[i] = float(q[i] − zero_point) · scale
struct DequantizeSpan {
  const std::uint8_t* q;
  std::int64_t count;
  ByteFormat format;
  float* out;
};

// out[i] = quantize(real(a[i]) + real(b[i · b_step])), or the product: the ONNX definition, three
// FP32 roundings before that of the quotient. In place (out = a or b) is allowed.
struct CombineSpan {
  const std::uint8_t* a;
  const std::uint8_t* b;
  std::int64_t b_step;  // 1, or 0: one value for all
  std::int64_t count;
  ByteFormat a_format, b_format;
  bool multiply;
  float scale;  // of the output
  std::int32_t zero_point, low, high;
  std::uint8_t* out;
};

struct FloatRange {
  float low, high;
};

void quantize_scalar(const QuantizeSpan& span);
void quantize_avx2(const QuantizeSpan& span);
void quantize_avx512(const QuantizeSpan& span);

void dequantize_scalar(const DequantizeSpan& span);
void dequantize_avx2(const DequantizeSpan& span);
void dequantize_avx512(const DequantizeSpan& span);

void combine_u8_scalar(const CombineSpan& span);
void combine_u8_avx2(const CombineSpan& span);
void combine_u8_avx512(const CombineSpan& span);

// The least and greatest of x[0 … count), and of 0; NaN is passed over.
FloatRange range_scalar(const float* x, std::int64_t count);
FloatRange range_avx2(const float* x, std::int64_t count);
FloatRange range_avx512(const float* x, std::int64_t count);

}  // namespace q8
