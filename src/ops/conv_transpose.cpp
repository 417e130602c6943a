#include "kernels/f32/conv_transpose.h"

#include <memory>

#include "ops/channel_layout.h"
#include "ops/conv_transpose_attributes.h"
#include "ops/families.h"

namespace q8 {
namespace {

std::shared_ptr<const ConvTransposeF32> pack(const ConvTransposeAttributes& node,
                                             const KernelSet& kernels, const Tensor& weights,
                                             const Tensor* bias) {
  const ConvGeometry g = node.weight_geometry(weights);
  if (bias != nullptr) need_conv_bias(*bias, weights, g.out_channels);
  return std::make_shared<const ConvTransposeF32>(kernels, g, weights.data<float>(),
                                                  bias == nullptr ? nullptr : bias->data<float>());
}

void run_conv_transpose(RunContext& run, const ConvTransposeAttributes& node,
                        const ConvTransposeF32& packed) {
  const Tensor& x = run.input(0);
  const ConvTransposePlace at = node.place(x, run.input(1));
  const bool first = node.layout() == Layout::kChannelsFirst;
  const ImageDims dims{at.geometry.batch, at.geometry.out_channels, at.output, x.rank() - 2};
  const Tensor input = first ? to_channels_last(x, run) : x;
  Tensor y(DType::kF32, image_shape(dims, Layout::kChannelsLast), run.allocator);
  packed.run(at.geometry, at.output, input.data<float>(), y.mutable_data<float>(), run.threads);
  run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
}

OpFunction make_conv_transpose(const NodeContext& context) {
  const ConvTransposeAttributes node(context);
  const Tensor* weights = context.constant(1);
  const Tensor* bias = context.constant(2);
  std::shared_ptr<const ConvTransposeF32> packed;
  if (weights != nullptr && weights->dtype() == DType::kF32 &&
      (bias != nullptr || !context.has_input(2))) {
    packed = pack(node, context.kernels, *weights, bias);
    context.has_copied(1);
    context.has_copied(2);
  }
  return [node, packed](RunContext& run) {
    if (run.input(0).dtype() != DType::kF32 || run.input(1).dtype() != DType::kF32)
      throw unsupported("ConvTranspose of " + run.input(0).str() + " with " + run.input(1).str());
    if (packed != nullptr) {
      run_conv_transpose(run, node, *packed);
      return;
    }
    const Tensor* bias = run.optional_input(2);
    run_conv_transpose(run, node, *pack(node, run.kernels, run.input(1), bias));
  };
}

// Domain "q8": X and Y channels last.
constexpr OpRow kRows[] = {
    {"", "ConvTranspose", make_conv_transpose, QuantRole::kWeighted},
    {"q8", "ConvTranspose", make_conv_transpose, QuantRole::kWeighted},
};

}  // namespace

std::span<const OpRow> conv_transpose_operators() {
  return kRows;
}

}  // namespace q8
