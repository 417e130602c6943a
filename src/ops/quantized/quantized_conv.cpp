#include <memory>

#include "kernels/int8/conv_chain_u8s8.h"
#include "kernels/int8/conv_u8s8.h"
#include "ops/channel_layout.h"
#include "ops/conv_attributes.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "ops/quantized/quantized_conv_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// A convolution on bytes with everything but the activations known.
struct PreparedConv {
  std::shared_ptr<const ConvU8S8> conv;
  ConvU8S8::Epilogue epilogue;
  bool x_is_signed;
};

// What the node says, whatever its inputs are.
struct ConvNode : ConvAttributes {
  QuantizedClamp clamp;

  explicit ConvNode(const Attributes& attributes)
      : ConvAttributes(attributes, layout_of(attributes)), clamp(attributes) {}
};

void check_weights(const Tensor& w, const QuantInputs& q) {
  if (w.rank() < 3) throw bad_input("weights of rank " + std::to_string(w.rank()));
  need_columns(q.scale.size(), w.shape()[0], "scales of the weights");
}

std::shared_ptr<const ConvU8S8> make_conv(const KernelSet& kernels, const ConvNode& node,
                                          const Tensor& w,
                                          std::span<const std::int32_t> zero_point) {
  need_byte(w, "weights");
  if (w.rank() < 3) throw bad_input("weights of rank " + std::to_string(w.rank()));
  if (!zero_point.empty())
    need_columns(zero_point.size(), w.shape()[0], "zero points of the weights");
  return std::make_shared<const ConvU8S8>(
      kernels, node.weight_geometry(w),
      ConvWeightsU8S8{
          .data = w.bytes(), .is_signed = w.dtype() == DType::kS8, .zero_point = zero_point});
}

void need_signedness(const Tensor& x, const PreparedConv& prepared) {
  need_byte(x, "the input");
  if ((x.dtype() == DType::kS8) != prepared.x_is_signed)
    throw bad_input("the input is " + x.str() + ", of another type than its zero point");
}

// Runs on channels-last data and gives the node's layout back.
void run_conv(RunContext& run, const ConvNode& node, const PreparedConv& prepared, const Tensor& x,
              const Tensor& w, DType out_type) {
  need_signedness(x, prepared);
  const ConvGeometry g = node.geometry(x, w);
  const bool first = node.layout() == Layout::kChannelsFirst;
  const Tensor input = first ? to_channels_last(x, run) : x;
  const ImageDims out{.batch = g.batch,
                      .channels = g.out_channels,
                      .size = g.output(),
                      .spatial_rank = x.rank() - 2};
  Tensor y(out_type, image_shape(out, Layout::kChannelsLast), run.allocator);
  prepared.conv->run(g, input.bytes(), prepared.epilogue, y.mutable_bytes(), run.threads);
  run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
}

PreparedConv prepare(const KernelSet& kernels, const ConvNode& node, const QLinearConvInputs& in) {
  need_one_scale(in.x, "the input");
  check_weights(*in.weights, in.w);
  const auto conv = make_conv(kernels, node, *in.weights, in.w.zero_point);
  const QLinearConvOutput output(in, in.weights->shape()[0], node.clamp, kernels);
  auto epilogue = conv->make_epilogue(in.x.is_signed(), in.x.zero_point[0], output.view());
  return {conv, std::move(epilogue), in.x.is_signed()};
}

OpFunction make_qlinear_conv(const NodeContext& node) {
  const ConvNode attributes(node.attributes());
  need_inputs(node, 8);
  std::shared_ptr<const PreparedConv> ready;
  if (QLinearConvInputs::are_constant(node))
    ready = std::make_shared<const PreparedConv>(
        prepare(node.kernels, attributes, QLinearConvInputs::constant(node)));
  if (ready != nullptr) node.has_copied(3);
  return [=](RunContext& run) {
    const DType type = QLinearConvInputs::result_type(run);
    if (ready != nullptr) {
      run_conv(run, attributes, *ready, run.input(0), run.input(3), type);
      return;
    }
    run_conv(run, attributes, prepare(run.kernels, attributes, QLinearConvInputs::of(run)),
             run.input(0), run.input(3), type);
  };
}

// ConvInteger: s32 sums of (x − x_zero_point)·(w − w_zero_point).
OpFunction make_conv_integer(const NodeContext& node) {
  const ConvNode attributes(node.attributes());
  std::shared_ptr<const ConvU8S8> ready;
  const auto zero_points = [](const Tensor* tensor) {
    std::vector<std::int32_t> zeros;
    if (tensor != nullptr)
      for (const std::int64_t zero : tensor->to_int64s())
        zeros.push_back(static_cast<std::int32_t>(zero));
    return zeros;
  };
  if (node.constant(1) != nullptr && are_constant(node, {3}))
    ready = make_conv(node.kernels, attributes, *node.constant(1), zero_points(node.constant(3)));
  if (ready != nullptr) node.has_copied(1);
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& w = run.input(1);
    const auto x_zero = zero_points(run.optional_input(2));
    const auto conv = ready != nullptr ? ready
                                       : make_conv(run.kernels, attributes, w,
                                                   zero_points(run.optional_input(3)));
    auto epilogue =
        conv->make_epilogue(x.dtype() == DType::kS8, x_zero.empty() ? 0 : x_zero[0], {});
    run_conv(run, attributes, {conv, std::move(epilogue), x.dtype() == DType::kS8}, x, w,
             DType::kS32);
  };
}

// "q8" ConvFromBytes: the same integer convolution with a float result, sum · x_scale · w_scale +
// B. Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, B (float).
OpFunction make_conv_from_bytes(const NodeContext& node) {
  const ConvNode attributes(node.attributes());
  if (!are_constant(node, {1, 2, 3, 4, 5, 6}))
    throw unsupported("quantization parameters that are not constant");
  const QuantInputs x = quant_inputs(*node.constant(1), node.constant(2));
  const QuantInputs w = quant_inputs(*node.constant(4), node.constant(5));
  need_one_scale(x, "the input");
  check_weights(*node.constant(3), w);
  const auto conv = make_conv(node.kernels, attributes, *node.constant(3), w.zero_point);
  node.has_copied(3);
  std::vector<float> multiplier, bias;
  for (const float w_scale : w.scale) multiplier.push_back(x.scale[0] * w_scale);
  if (node.constant(6) != nullptr) bias = node.constant(6)->to_floats();
  OutputU8S8 output{.kind = OutputKind::kF32, .multiplier = multiplier, .float_bias = bias};
  output.float_low = node.attributes().get_float("clamp_lo", output.float_low);
  output.float_high = node.attributes().get_float("clamp_hi", output.float_high);
  auto epilogue = conv->make_epilogue(x.is_signed(), x.zero_point[0], output);
  const auto ready =
      std::make_shared<const PreparedConv>(PreparedConv{conv, std::move(epilogue), x.is_signed()});
  return [=](RunContext& run) {
    run_conv(run, attributes, *ready, run.input(0), run.input(3), DType::kF32);
  };
}

// "q8" QLinearConvChain: convolutions of channels-last images of which each is read by the next
// alone. Inputs: x, then QLinearConv's others, all constant, for each of them; `links` says how
// many there are, and the attributes of link i have "i_" in front.
struct ChainLink {
  ConvNode node;
  PreparedConv prepared;
};

OpFunction make_qlinear_conv_chain(const NodeContext& node) {
  const auto count = static_cast<std::size_t>(node.attributes().need_int("links"));
  const auto links = std::make_shared<std::vector<ChainLink>>();
  DType type = DType::kU8;
  for (std::size_t i = 0; i < count; ++i) {
    const ConvNode attributes(with_prefix(node.attributes(), std::to_string(i) + "_"));
    const auto inputs = QLinearConvInputs::constant(node, i);
    links->push_back({attributes, prepare(node.kernels, attributes, inputs)});
    node.has_copied(i * QLinearConvInputs::kCount + 3);
    type = inputs.table != nullptr ? inputs.table->dtype() : inputs.y.dtype;
  }
  return [links, type](RunContext& run) {
    Tensor between = run.input(0);
    need_signedness(between, links->front().prepared);
    std::vector<ConvLinkU8S8> chain;
    for (std::size_t i = 0; i < links->size(); ++i) {
      const auto& [conv, prepared] = (*links)[i];
      const ConvGeometry g = conv.geometry(between, run.input(i * QLinearConvInputs::kCount + 3));
      chain.push_back({.conv = prepared.conv.get(), .epilogue = &prepared.epilogue, .geometry = g});
      between = Tensor(type, image_shape({g.batch, g.out_channels, g.output(), 2}, conv.layout()),
                       std::shared_ptr<const std::byte>());  // never whole in memory
    }
    Tensor& y = run.output(0, type, between.shape());
    run_conv_chain_u8s8(chain, run.input(0).bytes(), y.mutable_bytes(), run.threads);
  };
}

constexpr OpRow kRows[] = {
    {"", "QLinearConv", make_qlinear_conv},
    {"q8", "QLinearConv", make_qlinear_conv},
    {"com.microsoft", "QLinearConv", make_qlinear_conv},
    {"", "ConvInteger", make_conv_integer},
    {"q8", "QLinearConvChain", make_qlinear_conv_chain},
    {"q8", "ConvFromBytes", make_conv_from_bytes},
};

}  // namespace

std::span<const OpRow> quantized_conv_operators() {
  return kRows;
}

}  // namespace q8
