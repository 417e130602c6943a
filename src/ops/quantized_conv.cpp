#include <memory>

#include "kernels/conv_u8s8.h"
#include "kernels/isa_rows.h"
#include "kernels/lookup_u8.h"
#include "ops/channel_layout.h"
#include "ops/conv_attributes.h"
#include "ops/families.h"
#include "ops/quant_inputs.h"
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
  std::optional<std::int64_t> clamp_low, clamp_high;  // of the quantized output, domain "q8" only

  explicit ConvNode(const NodeContext& node)
      : ConvAttributes(node.attributes(), node.attributes().get_int("channels_last", 0) != 0
                                              ? Layout::kChannelsLast
                                              : Layout::kChannelsFirst) {
    if (node.attributes().has("clamp_low")) clamp_low = node.attributes().need_int("clamp_low");
    if (node.attributes().has("clamp_high")) clamp_high = node.attributes().need_int("clamp_high");
  }
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

// Runs on channels-last data and gives the node's layout back.
void run_conv(RunContext& run, const ConvNode& node, const PreparedConv& prepared, const Tensor& x,
              const Tensor& w, DType out_type) {
  need_byte(x, "the input");
  if ((x.dtype() == DType::kS8) != prepared.x_is_signed)
    throw bad_input("the input is " + x.str() + ", of another type than its zero point");
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

// QLinearConv's inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point,
// B; domain "q8" adds a table of 256 bytes (u8 or s8, then the output's type), which the results
// are looked up in.
struct QLinearConvInputs {
  QuantInputs x, w, y;
  const Tensor* weights;
  const Tensor* bias;
  const Tensor* table;
};

PreparedConv prepare(const KernelSet& kernels, const ConvNode& node, const QLinearConvInputs& in) {
  need_one_scale(in.x, "the input");
  need_one_scale(in.y, "the output");
  check_weights(*in.weights, in.w);
  const auto conv = make_conv(kernels, node, *in.weights, in.w.zero_point);
  std::vector<float> multiplier;
  for (const float w_scale : in.w.scale)
    multiplier.push_back(requantize_multiplier(in.x.scale[0], w_scale, in.y.scale[0]));
  std::vector<std::int32_t> bias;
  if (in.bias != nullptr &&
      (in.bias->dtype() != DType::kS32 || in.bias->shape() != Shape{in.weights->shape()[0]}))
    throw bad_input("the bias is " + in.bias->str() + " where int32" +
                    Shape{in.weights->shape()[0]}.str() + " is needed");
  if (in.bias != nullptr)
    bias.assign(in.bias->data<std::int32_t>(), in.bias->data<std::int32_t>() + in.bias->size());
  const auto [low, high] = quant_limits(in.y.dtype);
  OutputU8S8 output{
      .kind = OutputKind::kByte,
      .bias = bias,
      .multiplier = multiplier,
      .zero_point = in.y.zero_point[0],
      .low = std::max(low, static_cast<std::int32_t>(node.clamp_low.value_or(low))),
      .high = std::min(high, static_cast<std::int32_t>(node.clamp_high.value_or(high)))};
  if (in.table != nullptr) {
    need_byte(*in.table, "the table");
    if (in.table->size() != 256) throw bad_input("the table must be 256 bytes");
    output.table = {reinterpret_cast<const std::uint8_t*>(in.table->bytes()), 256};
    output.lookup = select(lookup_u8_rows(), kernels.max_isa).lookup;
  }
  auto epilogue = conv->make_epilogue(in.x.is_signed(), in.x.zero_point[0], output);
  return {conv, std::move(epilogue), in.x.is_signed()};
}

OpFunction make_qlinear_conv(const NodeContext& node) {
  const ConvNode attributes(node);
  need_inputs(node, 8);
  const auto gather = [](auto&& input) {
    return QLinearConvInputs{.x = quant_inputs(*input(1), input(2)),
                             .w = quant_inputs(*input(4), input(5)),
                             .y = quant_inputs(*input(6), input(7)),
                             .weights = input(3),
                             .bias = input(8),
                             .table = input(9)};
  };
  std::shared_ptr<const PreparedConv> ready;
  if (are_constant(node, {1, 2, 3, 4, 5, 6, 7, 8, 9}))
    ready = std::make_shared<const PreparedConv>(
        prepare(node.kernels, attributes, gather([&](std::size_t i) { return node.constant(i); })));
  if (ready != nullptr) node.has_copied(3);
  return [=](RunContext& run) {
    const DType type = run.input(run.has_input(9) ? 9 : 7).dtype();
    if (ready != nullptr) {
      run_conv(run, attributes, *ready, run.input(0), run.input(3), type);
      return;
    }
    const auto in = gather([&](std::size_t i) { return run.optional_input(i); });
    run_conv(run, attributes, prepare(run.kernels, attributes, in), run.input(0), run.input(3),
             type);
  };
}

// ConvInteger: s32 sums of (x − x_zero_point)·(w − w_zero_point).
OpFunction make_conv_integer(const NodeContext& node) {
  const ConvNode attributes(node);
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
  const ConvNode attributes(node);
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

constexpr OpRow kRows[] = {
    {"", "QLinearConv", make_qlinear_conv},
    {"q8", "QLinearConv", make_qlinear_conv},
    {"com.microsoft", "QLinearConv", make_qlinear_conv},
    {"", "ConvInteger", make_conv_integer},
    {"q8", "ConvFromBytes", make_conv_from_bytes},
};

}  // namespace

std::span<const OpRow> quantized_conv_operators() {
  return kRows;
}

}  // namespace q8
