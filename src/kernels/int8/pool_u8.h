#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/int8/quantize_kernels.h"

namespace q8 {

// Pooling windows over NHWC bytes. geometry: in_channels = out_channels = groups, kernel, stride,
// dilation, pads. For ceil_mode raise pad_end until geometry.output() is what ONNX asks for.

// The greatest byte of each window; what lies outside does not count. out: geometry.output()
// pixels.
void max_pool_u8(const ConvGeometry& geometry, const std::uint8_t* x, bool is_signed,
                 std::uint8_t* out, Threads& threads);

struct AveragePoolU8 {
  ConvGeometry geometry;
  bool count_include_pad = false;  // then elements in the padding count as zeros
  Spatial counted_pad_end = {};    // with count_include_pad: pad_end without what ceil_mode added
  ByteFormat x_format;
  float y_scale = 1;
  std::int32_t y_zero_point = 0, low = 0, high = 255;
};

// y = clamp(rint(float(Σ (q − x_zero)) · x_scale / count / y_scale) + y_zero, low, high), the sum
// exact in s32: the ONNX definition (dequantize, average, quantize) with the sum not rounded. A
// kernel as large as the input is GlobalAveragePool.
void average_pool_u8(const AveragePoolU8& pool, const std::uint8_t* x, std::uint8_t* out,
                     Threads& threads);

}  // namespace q8
