#include <algorithm>

#include "base/rounding.h"
#include "kernels/int8/quantize_kernels.h"

namespace q8 {
namespace {

// Clamped before rounding: the bounds are integers, so the result is the same, and it fits an s32.
std::uint8_t quantized(float x, float scale, std::int32_t zero_point, std::int32_t low,
                       std::int32_t high) {
  const float least = static_cast<float>(low - zero_point);
  const float greatest = static_cast<float>(high - zero_point);
  float q = x / scale;
  q = q > least ? q : least;  // NaN → least
  q = std::min(q, greatest);
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(round_half_even(q)) + zero_point);
}

float real(std::uint8_t byte, const ByteFormat& format) {
  const std::int32_t q = format.is_signed ? static_cast<std::int8_t>(byte) : byte;
  return static_cast<float>(q - format.zero_point) * format.scale;
}

}  // namespace

void quantize_scalar(const QuantizeSpan& s) {
  for (std::int64_t i = 0; i < s.count; ++i)
    s.out[i] = quantized(s.x[i], s.scale, s.zero_point, s.low, s.high);
}

void dequantize_scalar(const DequantizeSpan& s) {
  for (std::int64_t i = 0; i < s.count; ++i) s.out[i] = real(s.q[i], s.format);
}

void combine_u8_scalar(const CombineSpan& s) {
  for (std::int64_t i = 0; i < s.count; ++i) {
    const float a = real(s.a[i], s.a_format), b = real(s.b[i * s.b_step], s.b_format);
    s.out[i] = quantized(s.multiply ? a * b : a + b, s.scale, s.zero_point, s.low, s.high);
  }
}

FloatRange range_scalar(const float* x, std::int64_t count) {
  FloatRange range{0, 0};
  for (std::int64_t i = 0; i < count; ++i) {
    if (x[i] < range.low) range.low = x[i];
    if (x[i] > range.high) range.high = x[i];
  }
  return range;
}

}  // namespace q8
