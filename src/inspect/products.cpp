#include "inspect/products.h"

#include <algorithm>
#include <cmath>

#include "plan/clamps.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

struct Result {
  bool quantized = false;
  const Node* clamp = nullptr;  // one before it that no range of integers takes over
};

// What becomes of a product's result, behind its clamp where that is part of the product.
Result result_of(const LintContext& context, const Product& product) {
  ValueId value = product.node->outputs[0];
  if (const Node* clamp = clamp_behind(context, value)) {
    const Link* behind = context.view.quantizer(clamp->outputs[0]);
    if (!context.target.fuses_clamps &&
        (behind == nullptr || !range_clamps(context, *clamp, *behind)))
      return {.clamp = clamp};
    value = clamp->outputs[0];
  }
  const auto& readers = context.uses.consumers(value);
  const auto quantizes = [&](NodeId id) {
    return context.graph.node(id).op_type == "QuantizeLinear";
  };
  return {.quantized = !readers.empty() && !context.graph.is_output(value) &&
                       std::ranges::all_of(readers, quantizes)};
}

std::string output_reason(const LintContext& context, const Product& product) {
  const bool needed = context.target.quantized_outputs ||
                      (product.node->is("Conv") && context.target.integer_conv_needs_output);
  if (!needed) return "";
  const Result result = result_of(context, product);
  if (result.clamp != nullptr)
    return "its result passes " + result.clamp->label() + ", which no range of integers takes over";
  return result.quantized ? "" : "its result is not quantized";
}

std::string weight_reason(const LintContext& context, const Product& product) {
  const Link& weights = *product.weights;
  if (!product.has_constant_weights) return "";
  if (weights.block_size > 0) return "its weights have scales for blocks";
  if (weights.dtype != DType::kS8 && weights.dtype != DType::kU8)
    return "its weights are " + std::string(dtype_name(weights.dtype));
  const bool asymmetric = weights.dtype == DType::kU8 || weights.has_zero_points();
  const bool taken = product.is_conv() ? context.target.asymmetric_conv_weights
                                       : context.target.asymmetric_gemm_weights;
  if (asymmetric && !taken) return "its weights are not symmetric s8";
  if (weights.axis < 0) return "";
  const Tensor* stored = stored_weights(context, product);
  if (stored != nullptr && weights.axis != output_channel_axis(product, stored->rank()))
    return "the scales of its weights are not along their output channels";
  return "";
}

std::string bias_reason(const LintContext& context, const Product& product) {
  const Target& target = context.target;
  if (target.adds_bias_in_float) return "";
  const bool has_bias = product.bias != nullptr || product.has_float_bias;
  if (has_bias && product.node->is("Gemm") &&
      (product.node->attributes.get_float("alpha", 1) != 1 ||
       product.node->attributes.get_float("beta", 1) != 1))
    return "it has a bias, and an alpha or beta other than 1";
  if (product.has_float_bias)
    return target.quantizes_float_bias && result_of(context, product).quantized
               ? ""
               : "its bias is in float";
  // Of a Gemm's scale check_biases has more to say: some runtimes do not look at it.
  const bool looks = !product.node->is("Gemm") || target.checks_gemm_bias_scale;
  return product.bias == nullptr || !looks || bias_fits(product)
             ? ""
             : "the scale of its bias is not that of input times weights";
}

}  // namespace

bool is_product(const Node& node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
}

Product read_product(const LintContext& context, const Node& node) {
  const QuantizedView& view = context.view;
  Product product{.node = &node};
  const Link* first = view.dequantizer(node.input(0));
  const bool first_is_constant = context.graph.constant(node.input(0)) != nullptr ||
                                 (first != nullptr && view.is_constant(*first));
  product.weight_first = node.is("MatMul") && first_is_constant;
  const std::size_t at = product.weight_position();
  product.input = view.dequantizer(node.input(1 - at));
  product.weights = view.dequantizer(node.input(at));
  product.has_constant_weights = context.graph.constant(node.input(at)) != nullptr ||
                                 (product.weights != nullptr && view.is_constant(*product.weights));
  if (node.is("MatMul") || node.input(2) == kNoValue) return product;
  product.bias = view.dequantizer(node.input(2));
  product.has_float_bias = product.bias == nullptr;
  return product;
}

const Tensor* stored_weights(const LintContext& context, const Product& product) {
  const Graph& graph = context.graph;
  if (product.weights == nullptr)
    return graph.constant(product.node->input(product.weight_position()));
  const Tensor* integers = graph.constant(product.weights->integers);
  if (integers != nullptr) return integers;
  const Link* maker = context.view.maker(product.weights->integers);
  return maker == nullptr ? nullptr : graph.constant(maker->real);
}

int output_channel_axis(const Product& product, std::int64_t rank) {
  const Node& node = *product.node;
  if (node.is("Conv")) return 0;
  if (node.is("ConvTranspose")) return 1;
  if (node.is("Gemm")) return node.attributes.get_int("transB", 0) != 0 ? 0 : 1;
  return product.weight_first || rank < 2 ? -1 : static_cast<int>(rank - 1);
}

std::string why_not_integer(const LintContext& context, const Product& product) {
  if (product.node->is("ConvTranspose") && !context.target.integer_conv_transpose)
    return "the target has no integer ConvTranspose";
  if (!product.has_constant_weights &&
      context.target.activation_products == ActivationProducts::kFloat)
    return "the target multiplies two activations in float";
  const auto narrow = [&](const Link& link) {
    return link.dtype == DType::kU8 || link.dtype == DType::kS8 ||
           (context.target.wide_activations &&
            (link.dtype == DType::kU16 || link.dtype == DType::kS16));
  };
  for (const Link* link : {product.input, product.weights}) {
    if (link == product.weights && product.has_constant_weights) continue;
    if (!narrow(*link)) return "its input is " + std::string(dtype_name(link->dtype));
    if (link->axis >= 0) return "its input has several scales";
    if (link->has_computed_parameters) return "its input's scale is computed";
  }
  for (const std::string& why : {weight_reason(context, product), bias_reason(context, product)})
    if (!why.empty()) return why;
  return output_reason(context, product);
}

bool bias_fits(const Product& product) {
  const Link &input = *product.input, &weights = *product.weights, &bias = *product.bias;
  if (input.scale == nullptr || weights.scale == nullptr || bias.scale == nullptr) return false;
  if (input.scale->size() != 1) return false;
  constexpr double kTolerance = 1e-4;  // a float's rounding, and nothing that a bias would feel
  const double x = input.scale->to_floats()[0];
  const std::vector<float> w = weights.scale->to_floats(), b = bias.scale->to_floats();
  if (b.empty() || w.empty() || (b.size() > 1 && w.size() > 1 && b.size() != w.size()))
    return false;
  for (std::size_t c = 0; c < std::max(w.size(), b.size()); ++c) {
    const double wanted = x * w[w.size() == 1 ? 0 : c], found = b[b.size() == 1 ? 0 : c];
    if (!(std::abs(found - wanted) <= kTolerance * std::abs(wanted))) return false;
  }
  return true;
}

const Node* clamp_behind(const LintContext& context, ValueId value) {
  const NodeId reader = context.uses.only_consumer(value);
  if (reader == kNoNode) return nullptr;
  const Node& node = context.graph.node(reader);
  return (node.is("Relu") || node.is("Clip")) && node.input(0) == value ? &node : nullptr;
}

bool range_clamps(const LintContext& context, const Node& clamp, const Link& quantizer) {
  if (quantizer.scale == nullptr || quantizer.scale->size() != 1) return false;
  if (quantizer.dtype != DType::kU8 && quantizer.dtype != DType::kS8) return false;
  const QuantLimits limits = quant_limits(quantizer.dtype);
  const double scale = quantizer.scale->to_floats()[0];
  const std::int64_t zero =
      quantizer.zero_point == nullptr ? 0 : quantizer.zero_point->to_int64s()[0];
  const auto bounds = clamp_bounds(context.graph, clamp);
  if (!bounds) return false;
  const double slack = 1e-3 * scale;  // of one step, for the scale's own rounding
  return scale * static_cast<double>(limits.min - zero) >= bounds->low - slack &&
         scale * static_cast<double>(limits.max - zero) <= bounds->high + slack;
}

}  // namespace q8
