#include "inspect/lint.h"

#include <algorithm>

#include "graph/bodies.h"
#include "inspect/products.h"
#include "plan/coverage.h"

namespace q8 {
namespace {

constexpr LintRule kRules[] = {
    {"operators", "operators and domains that the target does not read", check_operators},
    {"opset", "forms of QuantizeLinear and DequantizeLinear that the opset does not have yet",
     check_opset},
    {"parameters", "scales that are no scales, or not known before the model runs",
     check_parameters},
    {"activations", "types, zero points and axes of activations that the target does not take",
     check_activations},
    {"weights", "the same of weights, and integers that saturate there", check_weights},
    {"bias", "biases in a form, or with a scale, that the target does not take", check_biases},
    {"products", "Conv, Gemm and MatMul that compute in float, and why", check_products},
    {"moves", "operators that only move values, between unequal scales", check_moves},
    {"clamps", "values that are quantized before and behind their clamp", check_clamps},
    {"pairs", "pairs of QuantizeLinear and DequantizeLinear that nothing in integers needs",
     check_pairs},
    {"residuals", "sums whose place in quantization keeps them from being fused", check_residuals},
    {"bounded", "results of Softmax, Sigmoid and Tanh without the range that the target has fixed",
     check_bounded},
    {"four-bits", "weights of 4 bits that the target does not read, or dequantizes in every run",
     check_four_bits},
    {"float16", "nodes in float16 that the target computes in float32", check_float16},
    {"islands", "groups of float nodes between integers", check_islands},
};

bool has_integer_form(QuantRole role, const Node& node) {
  switch (role) {
    case QuantRole::kMoves:
    case QuantRole::kConcat:
    case QuantRole::kArithmetic:
    case QuantRole::kPool:
    case QuantRole::kBounded:
      return true;
    default:
      return node.is("LeakyRelu");
  }
}

bool reads_only_integers(const LintContext& context, const Node& node) {
  const std::vector<std::size_t> inputs = data_inputs(context.graph, node);
  return !inputs.empty() && std::ranges::all_of(inputs, [&](std::size_t i) {
    return context.view.dequantizer(node.input(i)) != nullptr;
  });
}

bool makes_only_integers(const LintContext& context, const Node& node) {
  return std::ranges::all_of(node.outputs, [&](ValueId output) {
    if (output == kNoValue) return true;
    const auto& readers = context.uses.consumers(output);
    return !readers.empty() && !context.graph.is_output(output) &&
           std::ranges::all_of(readers, [&](NodeId id) {
             return context.graph.node(id).op_type == "QuantizeLinear";
           });
  });
}

// Moves keep the parameters; where they change them, the runtime computes in float.
bool keeps_parameters(const LintContext& context, const Node& node) {
  const Link* before = context.view.dequantizer(node.input(0));
  return std::ranges::all_of(node.outputs, [&](ValueId output) {
    const Link* behind = output == kNoValue ? nullptr : context.view.quantizer(output);
    return behind == nullptr || (before != nullptr && same_parameters(*before, *behind));
  });
}

bool is_integer_operator(const Node& node) {
  return node.op_type.starts_with("QLinear") || node.op_type.starts_with("QGemm") ||
         node.op_type.starts_with("DynamicQuantize") || node.op_type.ends_with("Integer") ||
         node.op_type == "MatMulIntegerToFloat";
}

bool is_integer_product(const Node& node) {
  return is_integer_operator(node) &&
         (node.op_type.find("MatMul") != std::string::npos ||
          node.op_type.find("Conv") != std::string::npos || node.op_type.starts_with("QGemm"));
}

void mark_integer_nodes(LintContext& context) {
  const Graph& graph = context.graph;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    bool integer = is_integer_operator(node);
    if (is_product(node)) {
      const Product product = read_product(context, node);
      integer = product.input != nullptr && product.weights != nullptr &&
                why_not_integer(context, product).empty();
    } else if (const QuantRole role = quant_role(graph, node); has_integer_form(role, node)) {
      integer = reads_only_integers(context, node) && makes_only_integers(context, node) &&
                (role != QuantRole::kMoves || keeps_parameters(context, node));
    }
    context.integer[static_cast<std::size_t>(id)] = integer;
    if (is_product(node) || is_integer_product(node))
      ++(integer ? context.result.integer_products : context.result.float_products);
  }
  // A clamp is part of the integer node before it, where that one is one.
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!context.integer[static_cast<std::size_t>(id)]) continue;
    const Node* clamp = clamp_behind(context, graph.node(id).outputs[0]);
    if (clamp != nullptr)
      context.integer[static_cast<std::size_t>(clamp - graph.nodes().data())] = true;
  }
}

LintContext check_graph(const Graph& graph, const Target& target) {
  LintContext context{.graph = graph,
                      .target = target,
                      .view = QuantizedView(graph),
                      .uses = Uses(graph),
                      .integer = std::vector<bool>(graph.nodes().size()),
                      .result = {}};
  mark_integer_nodes(context);
  for (const Link& link : context.view.links())
    context.result.pairs += !link.quantizes && context.view.maker(link.integers) != nullptr;
  for (const LintRule& rule : kRules) rule.check(context);
  return context;
}

void add(LintResult&& part, const std::string& place, LintResult& all) {
  for (Finding& finding : part.findings) {
    if (!place.empty()) finding.message += "; in " + place;
    all.findings.push_back(std::move(finding));
  }
  all.integer_products += part.integer_products;
  all.float_products += part.float_products;
  all.float_islands += part.float_islands;
  all.pairs += part.pairs;
}

}  // namespace

std::string_view level_name(FindingLevel level) {
  constexpr std::string_view kNames[] = {"note", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

std::size_t LintResult::count(FindingLevel level) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(findings, [&](const Finding& f) { return f.level == level; }));
}

void LintContext::report(FindingLevel level, std::string_view rule, const Node* node,
                         std::string message) {
  result.findings.push_back({.level = level,
                             .rule = rule,
                             .node = node == nullptr ? "" : node->name,
                             .message = std::move(message)});
}

FindingLevel LintContext::unfit_level() const {
  return target.refuses ? FindingLevel::kError : FindingLevel::kWarning;
}

std::span<const LintRule> lint_rules() {
  return kRules;
}

LintResult lint(const Graph& model, const Target& target) {
  Graph graph = model;
  take_outer_constants(graph);
  LintResult all;
  bool is_quantized = false;
  for (const PlacedGraph& placed : with_bodies(graph)) {
    LintContext context = check_graph(*placed.graph, target);
    is_quantized = is_quantized || context.has_quantized_nodes;
    add(std::move(context.result), placed.place, all);
  }
  if (!is_quantized)
    all.findings.push_back({.level = FindingLevel::kWarning,
                            .rule = "operators",
                            .node = "",
                            .message = "nothing in it is quantized"});
  std::ranges::stable_sort(all.findings, std::greater{}, &Finding::level);
  return all;
}

}  // namespace q8
