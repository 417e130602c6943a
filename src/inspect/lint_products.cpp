#include "inspect/lint.h"
#include "inspect/products.h"

namespace q8 {

void check_products(LintContext& context) {
  for (const Node& node : context.graph.nodes()) {
    if (!is_product(node)) continue;
    const Product product = read_product(context, node);
    const auto report = [&](FindingLevel level, const std::string& what) {
      context.report(level, "products", &node, node.label() + " " + what);
    };
    if (product.input != nullptr && product.weights != nullptr) {
      const std::string why = why_not_integer(context, product);
      if (!why.empty()) report(FindingLevel::kWarning, "computes in float: " + why);
    } else if (product.input != nullptr && product.has_constant_weights) {
      const bool unasked = context.target.quantizes_float_weights && node.is("Conv") &&
                           context.view.quantizer(node.outputs[0]) != nullptr;
      if (unasked)
        report(FindingLevel::kError,
               "has float weights between quantized values: the target quantizes them itself, "
               "with one scale");
      else
        report(FindingLevel::kWarning, "computes in float: its weights are not quantized");
    } else if (product.weights != nullptr && product.has_constant_weights) {
      report(FindingLevel::kNote, "computes in float: its weights alone are quantized");
    } else {
      report(FindingLevel::kNote, "computes in float: nothing of it is quantized");
    }
  }
}

}  // namespace q8
