#include <memory>

#include "kernels/conv_transpose_f32.h"
#include "ops/channel_layout.h"
#include "ops/conv_attributes.h"
#include "ops/families.h"

namespace q8 {
namespace {

// ONNX ConvTranspose: X, W [in_channels, out_channels / group, kernel…] [, B].
struct ConvTranspose {
  ConvAttributes attributes;
  std::vector<std::int64_t> output_padding, output_shape;

  explicit ConvTranspose(const NodeContext& node)
      : attributes(node),
        output_padding(node.attributes().get_ints("output_padding")),
        output_shape(node.attributes().get_ints("output_shape")) {}

  // Channels, groups, kernel, stride and dilation.
  ConvGeometry weight_geometry(const Tensor& weights) const {
    const Window fixed = attributes.window().fixed(attributes.kernel(weights));
    ConvGeometry g;
    g.in_channels = weights.shape()[0];
    g.out_channels = weights.shape()[1] * attributes.groups();
    g.groups = attributes.groups();
    g.kernel = fixed.kernel;
    g.stride = fixed.stride;
    g.dilation = fixed.dilation;
    validate(g);
    return g;
  }
};

struct Placement {
  ConvGeometry geometry;
  Spatial output;
};

// Padding and output size as the operator's specification derives them from output_shape, auto_pad
// or pads.
Placement place(const ConvTranspose& node, const Tensor& x, const Tensor& weights) {
  const ImageDims image = image_dims(x.shape(), node.attributes.layout());
  const WindowAttributes& window = node.attributes.window();
  ConvGeometry g = node.weight_geometry(weights);
  if (weights.rank() != x.rank() || image.channels != g.in_channels)
    throw bad_input("the input " + x.str() + " does not fit weights " + weights.str());
  g.batch = image.batch;
  g.input = image.size;
  const Window fixed = window.fixed(node.attributes.kernel(weights));
  const auto spatial = static_cast<std::size_t>(image.spatial_rank);
  const std::size_t lead = 3 - spatial;
  Spatial extra = {0, 0, 0};
  if (!node.output_padding.empty()) {
    if (node.output_padding.size() != spatial)
      throw bad_input("attribute output_padding has not one value a spatial axis");
    std::copy(node.output_padding.begin(), node.output_padding.end(), extra.begin() + lead);
  }
  // output_shape may begin with batch and channels.
  const std::size_t given = node.output_shape.size();
  if (given != 0 && given != spatial && given != spatial + 2)
    throw bad_input("attribute output_shape has not one value a spatial axis");
  Placement result{g, {}};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t whole =
        g.stride[i] * (g.input[i] - 1) + extra[i] + g.dilation[i] * (g.kernel[i] - 1) + 1;
    std::int64_t& begin = result.geometry.pad_begin[i];
    std::int64_t& end = result.geometry.pad_end[i];
    std::int64_t& out = result.output[i];
    begin = fixed.pad_begin[i];
    end = fixed.pad_end[i];
    out = whole - begin - end;
    if (i >= lead && (given != 0 || window.is_same())) {
      out = given != 0 ? node.output_shape[given - 3 + i] : g.input[i] * g.stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, whole - out);
      const bool smaller_half_first = window.is_same() && !window.extra_pad_at_begin();
      begin = smaller_half_first ? total / 2 : total - total / 2;
      end = total - begin;
    }
    if (out < 0)
      throw bad_input("pads leave an output of " + std::to_string(out) + " for input " + x.str());
  }
  return result;
}

std::shared_ptr<const ConvTransposeF32> pack(const ConvTranspose& node, const KernelSet& kernels,
                                             const Tensor& weights, const Tensor* bias) {
  const ConvGeometry g = node.weight_geometry(weights);
  if (bias != nullptr) need_conv_bias(*bias, weights, g.out_channels);
  return std::make_shared<const ConvTransposeF32>(kernels, g, weights.data<float>(),
                                                  bias == nullptr ? nullptr : bias->data<float>());
}

void run_conv_transpose(RunContext& run, const ConvTranspose& node,
                        const ConvTransposeF32& packed) {
  const Tensor& x = run.input(0);
  const Placement at = place(node, x, run.input(1));
  const bool first = node.attributes.layout() == Layout::kChannelsFirst;
  const ImageDims dims{at.geometry.batch, at.geometry.out_channels, at.output, x.rank() - 2};
  const Tensor input = first ? to_channels_last(x, run) : x;
  Tensor y(DType::kF32, image_shape(dims, Layout::kChannelsLast), run.allocator);
  packed.run(at.geometry, at.output, input.data<float>(), y.mutable_data<float>(), run.threads);
  run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
}

OpFunction make_conv_transpose(const NodeContext& context) {
  const ConvTranspose node(context);
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
