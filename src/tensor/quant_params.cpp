#include "tensor/quant_params.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/rounding.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Ranges of zero width, and those whose scale FP32 cannot hold as a normal number.
bool is_degenerate(double scale) {
  return !(scale >= static_cast<double>(FLT_MIN));
}

Range with_zero(Range r) {
  return {std::min(r.low, 0.0), std::max(r.high, 0.0)};
}

// Calls function(scale index, first element, count) over runs of elements that share a scale, in
// order: outer × channels × inner; of blocks the scale varies along `inner` too.
template <typename Function>
void for_each_channel_run(const Shape& shape, const QuantParams& params, Function&& function) {
  const int axis = params.axis;
  if (axis < 0) {
    function(std::size_t{0}, std::int64_t{0}, shape.count());
    return;
  }
  const std::int64_t outer = shape.count(0, axis), channels = shape[axis],
                     inner = shape.count(axis + 1, shape.rank());
  if (params.is_blocked()) {
    const std::int64_t blocks = params.scale_shape(shape)[axis];
    for (std::int64_t row = 0; row < outer * channels; ++row) {
      const std::int64_t scales = row / channels * blocks + row % channels / params.block;
      for (std::int64_t i = 0; i < inner; ++i)
        function(static_cast<std::size_t>(scales * inner + i), row * inner + i, std::int64_t{1});
    }
    return;
  }
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t c = 0; c < channels; ++c)
      function(static_cast<std::size_t>(c), (o * channels + c) * inner, inner);
}

void check(const Tensor& tensor, const QuantParams& p) {
  const auto channels = static_cast<std::size_t>(p.scale_shape(tensor.shape()).count());
  if (p.scale.size() != channels || p.zero_point.size() != channels)
    throw bad_input("quantization parameters for " + std::to_string(p.scale.size()) +
                    " channels do not fit a tensor " + tensor.str());
}

}  // namespace

Shape QuantParams::scale_shape(const Shape& tensor) const {
  if (axis < 0) return Shape{};
  const std::int64_t at = tensor.normalize_axis(axis);
  if (!is_blocked()) return Shape{tensor[at]};
  Shape scales = tensor;
  scales[at] = tensor[at] / block + (tensor[at] % block != 0 ? 1 : 0);
  return scales;
}

DType stored_type(DType dtype) {
  if (dtype == DType::kS4 || dtype == DType::kS2) return DType::kS8;
  return dtype == DType::kU4 || dtype == DType::kU2 ? DType::kU8 : dtype;
}

QuantLimits quant_limits(DType dtype) {
  switch (dtype) {
    case DType::kU8:
      return {0, 255};
    case DType::kS8:
      return {-128, 127};
    case DType::kU16:
      return {0, 65535};
    case DType::kS16:
      return {-32768, 32767};
    case DType::kS32:
      return {INT32_MIN, INT32_MAX};
    case DType::kU4:
      return {0, 15};
    case DType::kS4:
      return {-8, 7};
    case DType::kU2:
      return {0, 3};
    case DType::kS2:
      return {-2, 1};
    default:
      throw unsupported("element type " + std::string(dtype_name(dtype)) +
                        " is not a quantized type");
  }
}

ScaleZeroPoint asymmetric_params(Range range, DType dtype) {
  const auto [qmin, qmax] = quant_limits(dtype);
  const auto [lo, hi] = with_zero(range);
  const double scale = (hi - lo) / (static_cast<double>(qmax) - qmin);
  if (is_degenerate(scale)) return {1.0f, 0};
  const double zero = round_half_even(qmin - lo / scale);
  return {static_cast<float>(scale),
          static_cast<std::int32_t>(std::clamp(zero, double(qmin), double(qmax)))};
}

ScaleZeroPoint symmetric_params(Range range, DType dtype, std::int32_t levels) {
  const auto [qmin, qmax] = quant_limits(dtype);
  const std::int32_t middle = qmin == 0 ? qmax / 2 + 1 : 0;
  const double reach = levels > 0 ? levels : qmax - middle;
  const double scale = std::max(std::abs(range.low), std::abs(range.high)) / reach;
  if (is_degenerate(scale)) return {1.0f, middle};
  return {static_cast<float>(scale), middle};
}

Tensor quantize(const Tensor& real, const QuantParams& params) {
  check(real, params);
  const auto [qmin, qmax] = quant_limits(params.dtype);
  Tensor out(params.dtype, real.shape());
  const float* source = real.data<float>();
  with_number_type(stored_type(params.dtype), [&](auto zero) {
    using Q = decltype(zero);
    Q* target = reinterpret_cast<Q*>(out.mutable_bytes());
    for_each_channel_run(real.shape(), params, [&](std::size_t c, std::int64_t at, std::int64_t n) {
      const float scale = params.scale[c];
      const auto zero_point = static_cast<double>(params.zero_point[c]);
      for (std::int64_t i = at; i < at + n; ++i) {
        const auto rounded = static_cast<double>(round_half_even(source[i] / scale));
        if (std::isnan(rounded)) throw bad_input("a NaN cannot be quantized");
        target[i] = static_cast<Q>(std::clamp(rounded + zero_point, double(qmin), double(qmax)));
      }
    });
  });
  return out;
}

Tensor dequantize(const Tensor& quantized, const QuantParams& params) {
  check(quantized, params);
  Tensor out(DType::kF32, quantized.shape());
  float* target = out.mutable_data<float>();
  with_number_type(stored_type(quantized.dtype()), [&](auto zero) {
    using Q = decltype(zero);
    const Q* source = reinterpret_cast<const Q*>(quantized.bytes());
    for_each_channel_run(
        quantized.shape(), params, [&](std::size_t c, std::int64_t at, std::int64_t n) {
          const float scale = params.scale[c];
          const auto zero_point = static_cast<std::int64_t>(params.zero_point[c]);
          for (std::int64_t i = at; i < at + n; ++i)
            target[i] =
                static_cast<float>(static_cast<std::int64_t>(source[i]) - zero_point) * scale;
        });
  });
  return out;
}

}  // namespace q8
