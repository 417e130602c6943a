#pragma once

#include <cstdint>
#include <span>

#include "base/threads.h"
#include "kernels/int8/quantize_rows.h"

namespace q8 {

// A tensor seen as [outer, channels, inner] for parameters along an axis; per tensor: channels 1.
struct ChannelLayout {
  std::int64_t outer = 1, channels = 1, inner = 1;
  std::int64_t count() const { return outer * channels * inner; }
};

// How a whole tensor is quantized: scale and zero_point have one value per channel. [low, high] is
// 0…255 for u8, −128…127 for s8, or narrower.
struct ByteTensorFormat {
  std::span<const float> scale;
  std::span<const std::int32_t> zero_point;
  bool is_signed = false;
};

// ONNX QuantizeLinear, f32 → bytes: clamp(rint(x / scale) + zero_point, low, high); NaN gives low.
void quantize_f32(const QuantizeRow& row, const float* x, const ChannelLayout& layout,
                  const ByteTensorFormat& format, std::int32_t low, std::int32_t high,
                  std::uint8_t* out, Threads& threads);

// ONNX DequantizeLinear, bytes → f32: float(q − zero_point) · scale.
void dequantize_u8(const QuantizeRow& row, const std::uint8_t* q, const ChannelLayout& layout,
                   const ByteTensorFormat& format, float* out, Threads& threads);

// The same for s32 with zero point 0: float(q) · scale.
void dequantize_s32(const std::int32_t* q, const ChannelLayout& layout,
                    std::span<const float> scale, float* out, Threads& threads);

// ONNX DynamicQuantizeLinear's parameters of x, in its order of operations: u8 with 0 in the range.
// All zeros (or nothing): scale 1 and zero_point 0, as ONNX Runtime gives.
struct DynamicParams {
  float scale = 1;
  std::int32_t zero_point = 0;
};
DynamicParams dynamic_params_u8(const QuantizeRow& row, const float* x, std::int64_t count,
                                Threads& threads);

// Add and Mul of bytes by the ONNX definition (see CombineSpan), in parallel.
void combine_u8(const QuantizeRow& row, const CombineSpan& span, Threads& threads);

}  // namespace q8
