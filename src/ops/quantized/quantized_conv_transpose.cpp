#include <memory>

#include "kernels/int8/conv_transpose_u8s8.h"
#include "ops/channel_layout.h"
#include "ops/conv_transpose_attributes.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "ops/quantized/quantized_conv_inputs.h"

namespace q8 {
namespace {

// "q8" QLinearConvTranspose: a ConvTranspose between bytes; inputs as QLinearConv's, all but x
// constant.
OpFunction make_qlinear_conv_transpose(const NodeContext& context) {
  const ConvTransposeAttributes node(context.attributes(), layout_of(context.attributes()));
  need_inputs(context, 8);
  if (!QLinearConvInputs::are_constant(context))
    throw unsupported("quantization parameters that are not constant");
  const auto in = QLinearConvInputs::constant(context);
  need_one_scale(in.x, "the input");
  need_byte(*in.weights, "weights");
  if (in.weights->rank() < 3)
    throw bad_input("weights of rank " + std::to_string(in.weights->rank()));
  const ConvGeometry g = node.weight_geometry(*in.weights);
  need_columns(in.w.scale.size(), g.out_channels, "scales of the weights");
  const QLinearConvOutput output(in, g.out_channels, QuantizedClamp(context.attributes()),
                                 context.kernels);
  const auto conv = std::make_shared<const ConvTransposeU8S8>(
      context.kernels, g,
      ConvWeightsU8S8{.data = in.weights->bytes(),
                      .is_signed = in.weights->dtype() == DType::kS8,
                      .zero_point = in.w.zero_point},
      in.x.is_signed(), in.x.zero_point[0], output.view());
  context.has_copied(3);
  return [node, conv, type = in.x.dtype](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != type)
      throw bad_input("the input is " + x.str() + ", of another type than its zero point");
    const ConvTransposePlace at = node.place(x, run.input(3));
    const bool first = node.layout() == Layout::kChannelsFirst;
    const ImageDims dims{at.geometry.batch, at.geometry.out_channels, at.output, x.rank() - 2};
    const Tensor input = first ? to_channels_last(x, run) : x;
    Tensor y(QLinearConvInputs::result_type(run), image_shape(dims, Layout::kChannelsLast),
             run.allocator);
    conv->run(at.geometry, at.output, input.bytes(), y.mutable_bytes(), run.threads);
    run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
  };
}

constexpr OpRow kRows[] = {
    {"q8", "QLinearConvTranspose", make_qlinear_conv_transpose},
};

}  // namespace

std::span<const OpRow> quantized_conv_transpose_operators() {
  return kRows;
}

}  // namespace q8
