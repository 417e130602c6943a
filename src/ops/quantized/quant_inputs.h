#pragma once

#include <cstdint>
#include <vector>

#include "ops/operator.h"

namespace q8 {

// A scale input and the zero-point input that goes with it, as quantized operators take them: one
// value, or one per channel.
struct QuantInputs {
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;  // as long as scale
  DType dtype = DType::kU8;              // of the zero point; u8 where it is left out

  bool is_signed() const { return dtype == DType::kS8; }
};

// Throws bad_input where their sizes differ or a scale is not positive and finite, unsupported
// where the zero point is not u8 or s8.
QuantInputs quant_inputs(const Tensor& scale, const Tensor* zero_point);

// Inputs i and i + 1 of a node that runs; a zero point that is left out is 0 of `fallback`.
QuantInputs quant_inputs(const RunContext& run, std::size_t i, DType fallback = DType::kU8);

// Throws unsupported where there is a scale per channel; `what` is the tensor it belongs to.
void need_one_scale(const QuantInputs& q, std::string_view what);
// Throws bad_input where there is neither one `what` for all columns of a product nor one for each.
void need_columns(std::size_t count, std::int64_t columns, std::string_view what);

// Throws bad_input where one of the first `count` inputs is left out.
void need_inputs(const NodeContext& node, std::size_t count);

// Whether inputs [first, last) of the node are constants or absent.
bool are_constant(const NodeContext& node, std::initializer_list<std::size_t> inputs);

// Throws unsupported where a tensor is not u8 or s8.
void need_byte(const Tensor& tensor, std::string_view what);

}  // namespace q8
