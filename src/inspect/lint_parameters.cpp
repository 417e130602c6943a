#include <cfloat>
#include <cmath>

#include "inspect/lint.h"

namespace q8 {
namespace {

bool is_wide(DType dtype) {
  return dtype == DType::kU16 || dtype == DType::kS16;
}

// Empty where the scales are scales.
std::string scale_fault(const Link& link) {
  for (const float scale : link.scale->to_floats()) {
    if (std::isnan(scale) || std::isinf(scale)) return "is not finite";
    if (scale <= 0) return "is not above zero";
    if (scale < FLT_MIN) return "is too small for a normal float";
  }
  return "";
}

const Node& node_of(const LintContext& context, const Link& link) {
  return context.graph.node(link.node);
}

std::string value_name(const LintContext& context, const Link& link) {
  return "'" + context.graph.value(link.real).name + "'";
}

}  // namespace

void check_opset(LintContext& context) {
  for (const Link& link : context.view.links()) {
    const Node& node = node_of(context, link);
    if (!node.domain.empty()) continue;  // com.microsoft's have an axis and 16 bits at once
    const std::int64_t opset = context.graph.opset();
    const auto too_old = [&](const std::string& what, std::int64_t since) {
      if (opset < since)
        context.report(FindingLevel::kError, "opset", &node,
                       what + " came with opset " + std::to_string(since) + "; the model has " +
                           std::to_string(opset));
    };
    too_old(node.op_type, 10);
    if (link.axis >= 0) too_old("several scales in one " + node.op_type, 13);
    if (link.block_size > 0) too_old("block_size", 21);
    if (is_wide(link.dtype) || dtype_bits(link.dtype) == 4)
      too_old(std::string(dtype_name(link.dtype)) + " in " + node.op_type, 21);
  }
}

void check_parameters(LintContext& context) {
  for (const Link& link : context.view.links()) {
    const Node& node = node_of(context, link);
    if (link.has_computed_parameters) {
      context.report(context.unfit_level(), "parameters", &node,
                     "the scale or zero point of " + value_name(context, link) +
                         " is computed while the model runs");
      continue;
    }
    const std::string fault = scale_fault(link);
    if (!fault.empty())
      context.report(FindingLevel::kError, "parameters", &node,
                     "the scale of " + value_name(context, link) + " " + fault);
    if (link.zero_point != nullptr && link.block_size == 0 &&
        link.zero_point->size() != link.scale->size())
      context.report(FindingLevel::kError, "parameters", &node,
                     value_name(context, link) + " has " + std::to_string(link.scale->size()) +
                         " scale(s), but " + std::to_string(link.zero_point->size()) +
                         " zero point(s)");
  }
}

void check_activations(LintContext& context) {
  const Target& target = context.target;
  for (const Link& link : context.view.links()) {
    if (!link.quantizes || context.graph.constant(link.real) != nullptr) continue;
    const Node& node = node_of(context, link);
    const auto unfit = [&](const std::string& what) {
      context.report(context.unfit_level(), "activations", &node,
                     value_name(context, link) + " " + what);
    };
    if (link.axis >= 0) unfit("has several scales; activations have one");
    if (dtype_bits(link.dtype) == 4 || (is_wide(link.dtype) && !target.wide_activations))
      unfit("is quantized to " + std::string(dtype_name(link.dtype)) +
            ", with which the target does not compute");
    else if (link.dtype == DType::kU8 && target.activation_dtype == DType::kS8 && target.refuses)
      unfit("is quantized to u8; the target has s8");
    if (target.symmetric_activations && link.has_zero_points())
      unfit("has a zero point other than 0; the target is symmetric");
  }
}

}  // namespace q8
