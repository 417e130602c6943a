#include <algorithm>
#include <cmath>

#include "inspect/lint.h"
#include "inspect/products.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

const Node& node_of(const LintContext& context, const Link& link) {
  return context.graph.node(link.node);
}

bool is_integer(const LintContext& context, NodeId id) {
  return id != kNoNode && context.integer[static_cast<std::size_t>(id)];
}

// The QuantizeLinear that makes what a DequantizeLinear reads; null where that is stored or an
// integer operator's result.
const Link* pair_of(const LintContext& context, const Link& dequantizer) {
  const Link* maker = context.view.maker(dequantizer.integers);
  return maker == nullptr || context.graph.constant(maker->real) != nullptr ? nullptr : maker;
}

bool is_weighted(const LintContext& context, NodeId id) {
  return id != kNoNode && is_product(context.graph.node(id));
}

}  // namespace

void check_moves(LintContext& context) {
  for (const Node& node : context.graph.nodes()) {
    const QuantRole role = quant_role(context.graph, node);
    const bool fixed = context.target.fixed_bounded_ranges && role == QuantRole::kConcat;
    if (role != QuantRole::kMoves && !fixed) continue;
    if (role == QuantRole::kMoves && context.target.fuses_clamps && !context.target.refuses)
      continue;  // moves them over whatever it likes
    for (const ValueId output : node.outputs) {
      const Link* behind = output == kNoValue ? nullptr : context.view.quantizer(output);
      if (behind == nullptr) continue;
      for (const std::size_t i : data_inputs(context.graph, node)) {
        const Link* before = context.view.dequantizer(node.input(i));
        if (before == nullptr || same_parameters(*before, *behind)) continue;
        context.report(fixed ? FindingLevel::kError : FindingLevel::kWarning, "moves", &node,
                       node.label() + " has other parameters for '" +
                           context.graph.value(node.input(i)).name +
                           "' than for its result: " + "it cannot move integers");
        break;
      }
    }
  }
}

void check_clamps(LintContext& context) {
  for (const Link& link : context.view.links()) {
    if (link.quantizes || pair_of(context, link) == nullptr) continue;
    const Node* clamp = clamp_behind(context, link.real);
    const NodeId producer = context.uses.producer(pair_of(context, link)->real);
    if (clamp == nullptr || !is_weighted(context, producer)) continue;
    if (context.view.quantizer(clamp->outputs[0]) == nullptr) continue;
    context.report(FindingLevel::kWarning, "clamps", clamp,
                   "the result of " + context.graph.node(producer).label() +
                       " is quantized before " + clamp->label() +
                       " and again behind it; the range behind it is enough");
  }
}

void check_pairs(LintContext& context) {
  for (const Link& link : context.view.links()) {
    const Link* maker = link.quantizes ? nullptr : pair_of(context, link);
    if (maker == nullptr) continue;
    const std::string name = "'" + context.graph.value(maker->real).name + "'";
    if (!same_parameters(link, *maker) && !link.has_computed_parameters &&
        !maker->has_computed_parameters)
      context.report(FindingLevel::kError, "pairs", &node_of(context, link),
                     name + " is dequantized with other parameters than it was quantized with");
    const auto& readers = context.uses.consumers(link.real);
    const bool again = !readers.empty() && std::ranges::all_of(readers, [&](NodeId id) {
      return context.graph.node(id).op_type == "QuantizeLinear";
    });
    if (again && !context.graph.is_output(link.real)) {
      context.report(FindingLevel::kWarning, "pairs", &node_of(context, link),
                     name + " is quantized twice in a row");
      continue;
    }
    const bool needed =
        is_integer(context, context.uses.producer(maker->real)) ||
        std::ranges::any_of(readers, [&](NodeId id) { return is_integer(context, id); });
    if (!needed)
      context.report(FindingLevel::kWarning, "pairs", &node_of(context, link),
                     name + " is rounded to integers, but nothing computes with them");
  }
}

// Where a product's float result and a quantized value meet in an Add, both become one kernel.
void check_residuals(LintContext& context) {
  if (context.target.integer_adds) return;
  for (const Node& node : context.graph.nodes()) {
    if (!node.is("Add") || node.inputs.size() != 2) continue;
    const Link* sides[] = {context.view.dequantizer(node.inputs[0]),
                           context.view.dequantizer(node.inputs[1])};
    const auto made_by_product = [&](std::size_t side) {
      const Link* pair = sides[side] == nullptr ? nullptr : pair_of(context, *sides[side]);
      return is_weighted(context,
                         context.uses.producer(pair == nullptr ? node.inputs[side] : pair->real));
    };
    const auto warn = [&](const std::string& what) {
      context.report(FindingLevel::kWarning, "residuals", &node, node.label() + what);
    };
    const bool has_product = made_by_product(0) || made_by_product(1);
    const bool is_quantized_behind = context.view.quantizer(node.outputs[0]) != nullptr;
    if (!has_product) continue;
    if (sides[0] != nullptr && sides[1] != nullptr)
      warn(
          " reads two quantized values: one of them, a product's result, is to stay in float, "
          "so that the sum becomes part of the product");
    else if (sides[0] == nullptr && sides[1] == nullptr && is_quantized_behind &&
             context.graph.constant(node.inputs[0]) == nullptr &&
             context.graph.constant(node.inputs[1]) == nullptr)
      warn(" reads two float values: the one that is no product's result is to be quantized");
  }
}

void check_bounded(LintContext& context) {
  if (!context.target.fixed_bounded_ranges) return;
  for (const Node& node : context.graph.nodes()) {
    const bool is_tanh = node.is("Tanh");
    if (!is_tanh && !node.is("Softmax") && !node.is("Sigmoid")) continue;
    const Link* behind = context.view.quantizer(node.outputs[0]);
    if (behind == nullptr || behind->has_computed_parameters || behind->dtype != DType::kS8)
      continue;
    const double scale = behind->scale->to_floats()[0], wanted = is_tanh ? 1.0 / 128 : 1.0 / 256;
    const std::int64_t zero =
        behind->zero_point == nullptr ? 0 : behind->zero_point->to_int64s()[0];
    constexpr double kTolerance = 1e-6;  // the scale is a power of two: exact in a float
    if (std::abs(scale - wanted) > kTolerance * wanted || zero != (is_tanh ? 0 : -128))
      context.report(FindingLevel::kError, "bounded", &node,
                     "the result of " + node.label() + " is to have the scale 1/" +
                         (is_tanh ? "128 and zero point 0" : "256 and zero point -128"));
  }
}

}  // namespace q8
