#include "rewrite/apply_plan.h"

#include "rewrite/qdq.h"

namespace q8 {

Format find_format(std::string_view name) {
  if (name == "qdq") return Format::kQdq;
  if (name == "qoperator") return Format::kQOperator;
  throw usage_error("there is no format '" + std::string(name) + "'; known are qdq, qoperator");
}

Graph apply_plan(const Graph& graph, const QuantizationPlan& plan, Format format) {
  if (format == Format::kQOperator) throw unsupported("format qoperator");
  return emit_qdq(graph, plan);
}

}  // namespace q8
