#include <algorithm>
#include <cstdlib>

#include "inspect/lint.h"
#include "inspect/products.h"

namespace q8 {
namespace {

// The largest magnitude among stored integers, zero points taken off.
std::int64_t largest_magnitude(const Tensor& integers) {
  std::int64_t largest = 0;
  const auto take = [&](auto values) {
    for (const auto value : values)
      largest = std::max<std::int64_t>(largest, std::abs(static_cast<std::int64_t>(value)));
  };
  if (integers.dtype() == DType::kS8) take(integers.values<std::int8_t>());
  return largest;
}

void check_weights_of(LintContext& context, const Product& product) {
  const Target& target = context.target;
  const Link& weights = *product.weights;
  const std::string whose = "the weights of " + product.node->label();
  const auto unfit = [&](FindingLevel level, const std::string& what) {
    context.report(level, "weights", product.node, whose + " " + what);
  };
  const bool asymmetric = weights.dtype == DType::kU8 || weights.has_zero_points();
  const bool taken =
      product.is_conv() ? target.asymmetric_conv_weights : target.asymmetric_gemm_weights;
  if (asymmetric && !taken)
    unfit(context.unfit_level(), "are not symmetric s8, as the target wants them");
  const Tensor* stored = stored_weights(context, product);
  if (stored == nullptr) return;
  if (weights.axis >= 0 && weights.block_size == 0) {
    const int wanted = output_channel_axis(product, stored->rank());
    const bool per_channel = product.is_conv()
                                 ? target.per_channel_weights
                                 : target.per_channel_weights && target.per_channel_gemm;
    if (!per_channel)
      unfit(context.unfit_level(), "have several scales; the target takes one");
    else if (weights.axis != wanted)
      // A MatMul's are taken for scales of columns, and are too many or too few.
      unfit(product.node->is("MatMul") ? FindingLevel::kError : context.unfit_level(),
            "have scales along axis " + std::to_string(weights.axis) +
                (wanted < 0 ? ""
                            : ", not along their output channels, axis " + std::to_string(wanted)));
  }
  const std::int64_t largest = largest_magnitude(*stored);
  const bool meets_u8 = product.input != nullptr && product.input->dtype == DType::kU8;
  if (largest > target.weight_levels && target.weight_levels < 127 && meets_u8)
    unfit(FindingLevel::kWarning, "reach ±" + std::to_string(largest) +
                                      ": sums of two products can saturate 16 bits beyond ±" +
                                      std::to_string(target.weight_levels));
}

// What a bias in integers has to be; a runtime adds it to the sums as it is.
void check_bias_of(LintContext& context, const Product& product) {
  const Target& target = context.target;
  const Node* node = product.node;
  const std::string whose = "the bias of " + node->label();
  const auto report = [&](FindingLevel level, const std::string& what) {
    context.report(level, "bias", node, whose + " " + what);
  };
  if (product.has_float_bias) {
    if (target.refuses && !target.adds_bias_in_float)
      report(FindingLevel::kError, "is in float; the target has s32");
    return;
  }
  if (!target.reads_quantized_bias)
    return report(FindingLevel::kError, "is quantized; the target takes it in float");
  if (target.adds_bias_in_float) return;
  if (product.bias->dtype != DType::kS32)
    return report(context.unfit_level(),
                  "is " + std::string(dtype_name(product.bias->dtype)) + ", not s32");
  if (product.bias->has_zero_points())
    return report(FindingLevel::kError, "has a zero point other than 0");
  if (bias_fits(product)) return;
  const bool ignored = node->is("Gemm") && !target.checks_gemm_bias_scale &&
                       why_not_integer(context, product).empty();
  report(ignored ? FindingLevel::kError : context.unfit_level(),
         std::string("has another scale than input times weights") +
             (ignored ? ", which is the one that the target takes: its results are wrong" : ""));
}

void check_recurrent_weights(LintContext& context, const Node& node) {
  if (context.target.quantized_recurrent_weights) return;
  if (context.view.dequantizer(node.input(1)) != nullptr ||
      context.view.dequantizer(node.input(2)) != nullptr)
    context.report(FindingLevel::kError, "weights", &node,
                   "the weights of " + node.label() +
                       " are quantized; the target takes those of recurrent operators in float");
}

}  // namespace

void check_weights(LintContext& context) {
  for (const Node& node : context.graph.nodes()) {
    if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) check_recurrent_weights(context, node);
    if (!is_product(node)) continue;
    const Product product = read_product(context, node);
    if (product.weights != nullptr && product.has_constant_weights)
      check_weights_of(context, product);
  }
}

void check_biases(LintContext& context) {
  for (const Node& node : context.graph.nodes()) {
    if (!is_product(node)) continue;
    const Product product = read_product(context, node);
    if (product.input != nullptr && product.weights != nullptr &&
        (product.bias != nullptr || product.has_float_bias))
      check_bias_of(context, product);
  }
}

}  // namespace q8
