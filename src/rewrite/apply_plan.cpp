#include "rewrite/apply_plan.h"

#include <set>

#include "base/error.h"
#include "graph/bodies.h"
#include "graph/unread_constants.h"
#include "rewrite/constants.h"
#include "rewrite/fences.h"
#include "rewrite/float16.h"
#include "rewrite/lift.h"
#include "rewrite/qdq.h"
#include "rewrite/qoperator.h"

namespace q8 {
namespace {

void check_values(const Graph& graph, const QuantizationPlan& plan) {
  const std::vector<std::string> names = all_value_names(graph);
  const std::set<std::string_view> known(names.begin(), names.end());
  for (const auto& [value, activation] : plan.activations)
    if (!known.contains(value))
      throw bad_input("the plan quantizes '" + value + "', which the graph does not have");
}

Graph write_plan(const Graph& graph, const QuantizationPlan& plan, Format format) {
  Graph result = emit_qdq(graph, plan);
  if (format == Format::kQOperator)
    fuse_qdq_groups(result);
  else
    fence_integer_products(result, plan);
  emit_float16_islands(result, plan);
  result.tidy();
  for (NodeId id = 0; id < result.node_count(); ++id)
    edit_bodies(result.node(id), [&](Graph& body) {
      body = write_plan(body, plan, format);
      result.opsets.insert(body.opsets.begin(), body.opsets.end());
    });
  drop_unread_constants(result);
  return result;
}

}  // namespace

Format find_format(std::string_view name) {
  if (name == "qdq") return Format::kQdq;
  if (name == "qoperator") return Format::kQOperator;
  throw usage_error("there is no format '" + std::string(name) + "'; known are qdq, qoperator");
}

Graph apply_plan(const Graph& graph, const QuantizationPlan& plan, Format format) {
  check_values(graph, plan);
  Graph result = write_plan(graph, plan, format);
  lift_out_of_loops(result, plan);
  give_outer_constants(result);
  separate_names(result);
  verify(result);
  return result;
}

}  // namespace q8
