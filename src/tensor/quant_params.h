#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace q8 {

// real = scale · (q − zero_point), for the whole tensor, for each index along an axis, or for each
// block of `block` indices along it at every place of the other axes.
struct QuantParams {
  DType dtype = DType::kU8;  // of q: u8, s8, u16, s16, u4, s4 or s32
  int axis = -1;             // -1: per tensor, then the vectors have one element
  std::vector<float> scale;  // > 0 and finite; of blocks: in the order of scale_shape()
  std::vector<std::int32_t> zero_point;
  std::int64_t block = 0;  // 0: none; the last block of an axis may be shorter

  bool is_per_tensor() const { return axis < 0; }
  bool is_blocked() const { return block > 0; }
  // Of the scale, as ONNX wants it: [], [channels], or the tensor's with ⌈size / block⌉ at `axis`.
  Shape scale_shape(const Shape& tensor) const;
  bool operator==(const QuantParams&) const = default;
};

// An interval of real values. Zero is made part of it before parameters are computed.
struct Range {
  double low = 0, high = 0;
  bool operator==(const Range&) const = default;
};

struct QuantLimits {
  std::int32_t min, max;
};
QuantLimits quant_limits(DType dtype);  // u8: 0…255, s8: −128…127, …
// What holds its integers in memory: of 4 and 2 bits the byte with or without sign, else itself.
DType stored_type(DType dtype);

struct ScaleZeroPoint {
  float scale = 1;
  std::int32_t zero_point = 0;
};

// docs/concepts.md: s = (hi − lo) / (qmax − qmin), z = clamp(round(qmin − lo/s), qmin,
// qmax).
ScaleZeroPoint asymmetric_params(Range range, DType dtype);
// Symmetric: s = max(|lo|, |hi|) / 127 for s8 (z = 0, q in −127…127); for u8 z = 128. `levels`
// narrows the range of q, e.g. 64 for targets that saturate.
ScaleZeroPoint symmetric_params(Range range, DType dtype, std::int32_t levels = 0);

// The reference: q = clamp(round_half_even(r / s) + z). float → params.dtype. Throws bad_input on
// NaN.
Tensor quantize(const Tensor& real, const QuantParams& params);
// s · (q − z) in FP32.
Tensor dequantize(const Tensor& quantized, const QuantParams& params);

}  // namespace q8
