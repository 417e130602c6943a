#include "ops/quantized/quantized_conv_inputs.h"

#include <algorithm>

#include "kernels/int8/lookup_u8.h"
#include "kernels/isa_rows.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

template <typename Input>
QLinearConvInputs gather(Input&& input) {
  return {.x = quant_inputs(*input(1), input(2)),
          .w = quant_inputs(*input(4), input(5)),
          .y = quant_inputs(*input(6), input(7)),
          .weights = input(3),
          .bias = input(8),
          .table = input(9)};
}

}  // namespace

QuantizedClamp::QuantizedClamp(const Attributes& attributes) {
  if (attributes.has("clamp_low")) low = attributes.need_int("clamp_low");
  if (attributes.has("clamp_high")) high = attributes.need_int("clamp_high");
}

QLinearConvInputs QLinearConvInputs::constant(const NodeContext& node, std::size_t link) {
  return gather([&](std::size_t i) { return node.constant(link * kCount + i); });
}

QLinearConvInputs QLinearConvInputs::of(const RunContext& run) {
  return gather([&](std::size_t i) { return run.optional_input(i); });
}

bool QLinearConvInputs::are_constant(const NodeContext& node) {
  return q8::are_constant(node, {1, 2, 3, 4, 5, 6, 7, 8, 9});
}

DType QLinearConvInputs::result_type(const RunContext& run) {
  return run.input(run.has_input(9) ? 9 : 7).dtype();
}

QLinearConvOutput::QLinearConvOutput(const QLinearConvInputs& in, std::int64_t channels,
                                     const QuantizedClamp& clamp, const KernelSet& kernels) {
  need_one_scale(in.y, "the output");
  for (const float w_scale : in.w.scale)
    multiplier_.push_back(requantize_multiplier(in.x.scale[0], w_scale, in.y.scale[0]));
  if (in.bias != nullptr &&
      (in.bias->dtype() != DType::kS32 || in.bias->shape() != Shape{channels}))
    throw bad_input("the bias is " + in.bias->str() + " where int32" + Shape{channels}.str() +
                    " is needed");
  if (in.bias != nullptr)
    bias_.assign(in.bias->data<std::int32_t>(), in.bias->data<std::int32_t>() + in.bias->size());
  const auto [low, high] = quant_limits(in.y.dtype);
  view_ = {.kind = OutputKind::kByte,
           .bias = bias_,
           .multiplier = multiplier_,
           .zero_point = in.y.zero_point[0],
           .low = std::max(low, static_cast<std::int32_t>(clamp.low.value_or(low))),
           .high = std::min(high, static_cast<std::int32_t>(clamp.high.value_or(high)))};
  if (in.table == nullptr) return;
  need_byte(*in.table, "the table");
  if (in.table->size() != 256) throw bad_input("the table must be 256 bytes");
  view_.table = {reinterpret_cast<const std::uint8_t*>(in.table->bytes()), 256};
  view_.lookup = select(lookup_u8_rows(), kernels.max_isa).lookup;
}

}  // namespace q8
