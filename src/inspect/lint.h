#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "inspect/quantized_view.h"
#include "plan/targets.h"

namespace q8 {

enum class FindingLevel {
  kNote,     // worth knowing: what stays in float
  kWarning,  // it runs, but slower or less exactly than it could
  kError,    // the target refuses the model, or computes something else than it says
};
std::string_view level_name(FindingLevel level);  // "note", "warning", "error"

struct Finding {
  FindingLevel level = FindingLevel::kNote;
  std::string_view rule;  // the name of a row of lint_rules()
  std::string node;       // its name; empty where the whole model is meant
  std::string message;
};

// What a quantized model is to a target.
struct LintResult {
  std::vector<Finding> findings;      // errors first; in the order of the rules and nodes
  std::int64_t integer_products = 0;  // Conv, ConvTranspose, Gemm, MatMul in integers
  std::int64_t float_products = 0;    // the others, those with quantized weights alone among them
  std::int64_t float_islands = 0;     // groups of float nodes between integers
  std::int64_t pairs = 0;             // of QuantizeLinear and DequantizeLinear
  std::size_t count(FindingLevel level) const;
};

// What all rules look at, made once for each graph.
struct LintContext {
  const Graph& graph;
  const Target& target;
  QuantizedView view;
  Uses uses;
  std::vector<bool> integer;         // by NodeId: runs on integers there
  bool has_quantized_nodes = false;  // known once check_operators has looked
  LintResult result;

  void report(FindingLevel level, std::string_view rule, const Node* node, std::string message);
  // An error where the target refuses what does not fit it, a warning where it computes in float.
  FindingLevel unfit_level() const;
};

// One rule: a name for scripts, what it finds, and the function that reports it.
struct LintRule {
  std::string_view name, help;
  void (*check)(LintContext& context);
};
std::span<const LintRule> lint_rules();

// Holds a quantized model, made by whatever quantizer, against a target. Looks at the graph as it
// is in the file, and at each body of If, Loop and Scan by itself.
LintResult lint(const Graph& model, const Target& target);

// The rules, by the files they are in.
void check_operators(LintContext& context);   // lint_operators.cpp
void check_parameters(LintContext& context);  // lint_parameters.cpp
void check_opset(LintContext& context);
void check_activations(LintContext& context);
void check_products(LintContext& context);  // lint_products.cpp
void check_weights(LintContext& context);   // lint_weights.cpp
void check_biases(LintContext& context);
void check_moves(LintContext& context);  // lint_placement.cpp
void check_clamps(LintContext& context);
void check_pairs(LintContext& context);
void check_residuals(LintContext& context);
void check_bounded(LintContext& context);
void check_islands(LintContext& context);    // lint_islands.cpp
void check_four_bits(LintContext& context);  // lint_precision.cpp
void check_float16(LintContext& context);

}  // namespace q8
