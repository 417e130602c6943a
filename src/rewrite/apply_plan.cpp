#include "rewrite/apply_plan.h"

#include "rewrite/emitter.h"
#include "rewrite/fences.h"
#include "rewrite/float16.h"
#include "rewrite/qdq.h"
#include "rewrite/qoperator.h"

namespace q8 {

Format find_format(std::string_view name) {
  if (name == "qdq") return Format::kQdq;
  if (name == "qoperator") return Format::kQOperator;
  throw usage_error("there is no format '" + std::string(name) + "'; known are qdq, qoperator");
}

Graph apply_plan(const Graph& graph, const QuantizationPlan& plan, Format format) {
  Graph result = emit_qdq(graph, plan);
  if (format == Format::kQOperator)
    fuse_qdq_groups(result);
  else
    fence_integer_products(result, plan);
  emit_float16_islands(result, plan);
  result.tidy();
  drop_unread_constants(result);
  verify(result);
  return result;
}

}  // namespace q8
