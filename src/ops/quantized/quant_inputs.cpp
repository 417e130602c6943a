#include "ops/quantized/quant_inputs.h"

#include <algorithm>
#include <cmath>

namespace q8 {

QuantInputs quant_inputs(const Tensor& scale, const Tensor* zero_point) {
  QuantInputs q;
  q.scale = scale.to_floats();
  if (q.scale.empty()) throw bad_input("a scale has no elements");
  for (const float s : q.scale)
    if (!(s > 0) || !std::isfinite(s))
      throw bad_input("a scale is " + std::to_string(s) + "; it must be positive and finite");
  q.zero_point.assign(q.scale.size(), 0);
  if (zero_point == nullptr) return q;
  need_byte(*zero_point, "a zero point");
  q.dtype = zero_point->dtype();
  const auto zeros = zero_point->to_int64s();
  if (zeros.size() != q.scale.size() && zeros.size() != 1)
    throw bad_input(std::to_string(zeros.size()) + " zero points for " +
                    std::to_string(q.scale.size()) + " scales");
  for (std::size_t i = 0; i < q.scale.size(); ++i)
    q.zero_point[i] = static_cast<std::int32_t>(zeros[zeros.size() == 1 ? 0 : i]);
  return q;
}

QuantInputs quant_inputs(const RunContext& run, std::size_t i, DType fallback) {
  QuantInputs q = quant_inputs(run.input(i), run.optional_input(i + 1));
  if (!run.has_input(i + 1)) q.dtype = fallback;
  return q;
}

void need_one_scale(const QuantInputs& q, std::string_view what) {
  if (q.scale.size() != 1)
    throw unsupported(std::to_string(q.scale.size()) + " scales for " + std::string(what) +
                      " are not supported; one is");
}

void need_columns(std::size_t count, std::int64_t columns, std::string_view what) {
  if (count != 1 && count != static_cast<std::size_t>(columns))
    throw bad_input(std::to_string(count) + " " + std::string(what) + " for " +
                    std::to_string(columns) + " output channels");
}

void need_inputs(const NodeContext& node, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (!node.has_input(i)) throw bad_input("input " + std::to_string(i) + " is missing");
}

bool are_constant(const NodeContext& node, std::initializer_list<std::size_t> inputs) {
  return std::all_of(inputs.begin(), inputs.end(), [&](std::size_t i) {
    return !node.has_input(i) || node.constant(i) != nullptr;
  });
}

void need_byte(const Tensor& tensor, std::string_view what) {
  if (tensor.dtype() != DType::kU8 && tensor.dtype() != DType::kS8)
    throw unsupported(std::string(what) + " of type " + std::string(dtype_name(tensor.dtype())) +
                      " is not supported; uint8 and int8 are");
}

}  // namespace q8
