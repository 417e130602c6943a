#include "kernels/f32/conv.h"

#include <memory>

#include "kernels/f32/conv_pair.h"
#include "ops/channel_layout.h"
#include "ops/conv_attributes.h"
#include "ops/families.h"
#include "ops/fused_activation.h"

namespace q8 {
namespace {

// Conv of three domains:
//   ""             X, W [, B]
//   com.microsoft  FusedConv: X, W [, B [, Z]], y = activation(conv + Z)
//   q8             the same inputs with X, Z and Y channels last; attributes clamp_lo and clamp_hi
//                  (floats) beside the activation; Z is broadcast where its shape differs
//
// ConvPair, q8 only: X, W1, B1, W2 [, B2]: a Conv and the depthwise one behind it. The attributes
// are the second's; the first's have "first_" in front.

FusedActivation activation_of(const Attributes& attributes, const std::string& domain) {
  FusedActivation activation;
  if (!domain.empty())
    activation = fused_activation(attributes.get_string("activation", ""),
                                  attributes.get_floats("activation_params"));
  if (domain == "q8") {
    activation.low = attributes.get_float("clamp_lo", activation.low);
    activation.high = attributes.get_float("clamp_hi", activation.high);
  }
  return activation;
}

struct Conv {
  ConvAttributes attributes;
  FusedActivation activation;
};

ConvFinishF32 finish_of(const FusedActivation& activation, const KernelSet& kernels) {
  return {.lo = activation.low, .hi = activation.high, .then = activation.call(kernels)};
}

std::shared_ptr<const ConvF32> pack(const Conv& conv, const KernelSet& kernels,
                                    const Tensor& weights, const Tensor* bias) {
  const ConvGeometry g = conv.attributes.weight_geometry(weights);
  if (bias != nullptr) need_conv_bias(*bias, weights, g.out_channels);
  return std::make_shared<const ConvF32>(kernels, g, weights.data<float>(),
                                         bias == nullptr ? nullptr : bias->data<float>(),
                                         finish_of(conv.activation, kernels));
}

void run_conv(RunContext& run, const Conv& conv, const ConvF32& packed) {
  const Tensor& x = run.input(0);
  const ConvGeometry g = conv.attributes.geometry(x, run.input(1));
  const bool first = conv.attributes.layout() == Layout::kChannelsFirst;
  const ImageDims dims{g.batch, g.out_channels, g.output(), x.rank() - 2};
  const Shape out_shape = image_shape(dims, conv.attributes.layout());
  Tensor residual;
  const bool broadcasts = run.has_input(3) && run.input(3).shape() != out_shape;
  if (run.has_input(3)) {
    if (broadcasts && first)
      throw bad_input("the added input " + run.input(3).str() + " has not the output's shape " +
                      out_shape.str());
    residual = first ? to_channels_last(run.input(3), run) : run.input(3);
  }
  const Tensor input = first ? to_channels_last(x, run) : x;
  Tensor y(DType::kF32, image_shape(dims, Layout::kChannelsLast), run.allocator);
  if (broadcasts) {
    packed.run_unfinished(g, input.data<float>(), y.mutable_data<float>(), run.threads);
    run.set_output(0, conv.activation.of_sum(y, residual, run));
    return;
  }
  packed.run(g, input.data<float>(), y.mutable_data<float>(),
             run.has_input(3) ? residual.data<float>() : nullptr, run.threads);
  run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
}

// In double, in the order of the formula: models in double are rare.
void run_conv_f64(RunContext& run, const Conv& conv) {
  const Tensor& x = run.input(0);
  const Tensor& w = run.input(1);
  if (conv.attributes.layout() != Layout::kChannelsFirst || run.has_input(3))
    throw unsupported("a fused convolution in double");
  const ConvGeometry g = conv.attributes.geometry(x, w);
  if (run.has_input(2)) need_conv_bias(run.input(2), w, g.out_channels);
  const Spatial out = g.output();
  const ImageDims dims{g.batch, g.out_channels, out, x.rank() - 2};
  Tensor& y = run.output(0, DType::kF64, image_shape(dims, Layout::kChannelsFirst));
  const std::int64_t in_plane = product(g.input), taps = g.taps();
  run.threads.parallel_for(g.batch * g.out_channels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      const std::int64_t n = plane / g.out_channels, o = plane % g.out_channels;
      const std::int64_t first_channel = o / g.out_channels_per_group() * g.in_channels_per_group();
      const double* weights = w.data<double>() + o * g.in_channels_per_group() * taps;
      double* target = y.mutable_data<double>() + plane * product(out);
      for (std::int64_t pixel = 0; pixel < product(out); ++pixel) {
        const Spatial at = {pixel / (out[1] * out[2]), pixel / out[2] % out[1], pixel % out[2]};
        double sum = run.has_input(2) ? run.input(2).data<double>()[o] : 0;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const Spatial k = {tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                             tap % g.kernel[2]};
          std::int64_t offset = 0;
          bool inside = true;
          for (std::size_t i = 0; i < 3; ++i) {
            const std::int64_t p = at[i] * g.stride[i] + k[i] * g.dilation[i] - g.pad_begin[i];
            inside = inside && p >= 0 && p < g.input[i];
            offset = offset * g.input[i] + p;
          }
          if (!inside) continue;
          const double* source =
              x.data<double>() + (n * g.in_channels + first_channel) * in_plane + offset;
          for (std::int64_t c = 0; c < g.in_channels_per_group(); ++c)
            sum += source[c * in_plane] * weights[c * taps + tap];
        }
        target[pixel] = sum;
      }
    }
  });
}

OpFunction make_conv(const NodeContext& node) {
  const Conv conv{ConvAttributes(node), activation_of(node.attributes(), node.node.domain)};
  const Tensor* weights = node.constant(1);
  const Tensor* bias = node.constant(2);
  std::shared_ptr<const ConvF32> packed;
  if (weights != nullptr && weights->dtype() == DType::kF32 &&
      (bias != nullptr || !node.has_input(2))) {
    packed = pack(conv, node.kernels, *weights, bias);
    node.has_copied(1);
    node.has_copied(2);
  }
  return [conv, packed](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != run.input(1).dtype())
      throw bad_input("input " + x.str() + " and weights " + run.input(1).str() +
                      " are of different types");
    if (x.dtype() == DType::kF64) {
      run_conv_f64(run, conv);
      return;
    }
    if (x.dtype() != DType::kF32) throw unsupported("a convolution of " + x.str());
    if (packed != nullptr) {
      run_conv(run, conv, *packed);
      return;
    }
    const Tensor* bias = run.optional_input(2);
    run_conv(run, conv, *pack(conv, run.kernels, run.input(1), bias));
  };
}

OpFunction make_conv_pair(const NodeContext& node) {
  const Attributes first_attributes = with_prefix(node.attributes(), "first_");
  const ConvAttributes first(first_attributes, Layout::kChannelsLast), second(node);
  const auto half = [&](std::size_t weights, const Attributes& attributes) -> ConvPairF32::Half {
    const Tensor* bias = node.constant(weights + 1);
    if (bias != nullptr)
      need_conv_bias(*bias, *node.constant(weights), node.constant(weights)->shape()[0]);
    for (const std::size_t i : {weights, weights + 1}) node.has_copied(i);
    return {.weights = node.constant(weights)->data<float>(),
            .bias = bias == nullptr ? nullptr : bias->data<float>(),
            .finish = finish_of(activation_of(attributes, "q8"), node.kernels)};
  };
  return [first, second,
          pair = std::make_shared<const ConvPairF32>(
              node.kernels, first.weight_geometry(*node.constant(1)), half(1, first_attributes),
              second.weight_geometry(*node.constant(3)),
              half(3, node.attributes()))](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != DType::kF32) throw unsupported("a convolution of " + x.str());
    const ConvGeometry a = first.geometry(x, run.input(1));
    const ImageDims dims{a.batch, a.out_channels, a.output(), 2};
    const Tensor between(DType::kF32, image_shape(dims, Layout::kChannelsLast),
                         std::shared_ptr<const std::byte>());  // never whole in memory
    const ConvGeometry b = second.geometry(between, run.input(3));
    Tensor& y =
        run.output(0, DType::kF32,
                   image_shape({b.batch, b.out_channels, b.output(), 2}, Layout::kChannelsLast));
    pair->run(a, b, x.data<float>(), y.mutable_data<float>(), run.threads);
  };
}

constexpr OpRow kRows[] = {
    {"", "Conv", make_conv, QuantRole::kWeighted},
    {"com.microsoft", "FusedConv", make_conv, QuantRole::kWeighted},
    {"q8", "Conv", make_conv, QuantRole::kWeighted},
    {"q8", "ConvPair", make_conv_pair, QuantRole::kWeighted},
};

}  // namespace

std::span<const OpRow> conv_operators() {
  return kRows;
}

}  // namespace q8
