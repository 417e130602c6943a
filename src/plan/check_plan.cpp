#include "plan/check_plan.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "graph/bodies.h"
#include "plan/clamps.h"
#include "plan/coverage.h"
#include "plan/float16.h"
#include "plan/patterns.h"
#include "plan/value_functions.h"

namespace q8 {
namespace {

[[noreturn]] void unknown(std::string_view what, const std::string& name,
                          const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& near : nearest_names(name, names, 3))
    list += (list.empty() ? "'" : ", '") + near + "'";
  throw bad_input("the plan names the " + std::string(what) + " '" + name +
                  "', which the model does not have; the nearest names are " + list);
}

// A node of any of the model's graphs.
struct NodePlace {
  const Graph* graph;
  NodeId id;
  const Node& node() const { return graph->node(id); }
};
using NodePlaces = std::map<std::string, NodePlace>;

NodePlaces nodes_by_name(const Graph& graph) {
  NodePlaces nodes;
  for (const PlacedGraph& placed : with_bodies(graph))
    for (NodeId id = 0; id < placed.graph->node_count(); ++id)
      nodes[placed.graph->node(id).name] = {placed.graph, id};
  return nodes;
}

void check_values(const Graph& graph, const QuantizationPlan& plan) {
  std::set<std::string, std::less<>> computed;
  for (const PlacedGraph& placed : with_bodies(graph))
    for (const Value& value : placed.graph->values())
      if (!value.constant) computed.insert(value.name);
  for (const auto& [name, activation] : plan.activations)
    if (!computed.contains(name)) unknown("value", name, {computed.begin(), computed.end()});
}

void check_constant(const Graph& graph, const Node& node, std::size_t input,
                    const ConstantPlan& constant) {
  const std::string where = "input " + std::to_string(input) + " of " + node.label();
  const Tensor* tensor = graph.constant(node.input(input));
  if (tensor == nullptr) throw bad_input("the plan quantizes " + where + ", which is no constant");
  const QuantParams& params = constant.params;
  if (params.is_per_tensor()) return;
  const auto channels = static_cast<std::int64_t>(params.scale.size());
  if (params.is_blocked()) {
    if (params.axis >= tensor->rank() || params.scale_shape(tensor->shape()).count() != channels)
      throw bad_input("the plan has " + std::to_string(channels) + " scales of blocks of " +
                      std::to_string(params.block) + " along axis " + std::to_string(params.axis) +
                      " for " + where + ", which is " + tensor->str());
    return;
  }
  const bool is_bias = params.dtype == DType::kS32 && tensor->size() == channels;
  if (!is_bias && (params.axis >= tensor->rank() || tensor->shape()[params.axis] != channels))
    throw bad_input("the plan has " + std::to_string(channels) + " scales along axis " +
                    std::to_string(params.axis) + " for " + where + ", which is " + tensor->str());
}

// Integer nodes read quantized values and nothing else; clamps go only behind integer nodes.
void check_mode(const Graph& graph, const Uses& uses, const Node& node, const NodePlan& row,
                ValueId argument, const QuantizationPlan& plan) {
  const auto fail = [&](const std::string& why) {
    throw bad_input("the plan makes " + node.label() + " " + std::string(mode_name(row.mode)) +
                    ", but " + why);
  };
  if (row.mode == NodeMode::kInteger && argument != kNoValue) {
    if (plan.find_activation(graph.value(argument).name) == nullptr)
      fail("has no parameters for '" + graph.value(argument).name + "', which it is a function of");
  } else if (row.mode == NodeMode::kInteger) {
    if (quant_role(graph, node) == QuantRole::kFloat) fail("it has no integer form");
    for (const std::size_t i : data_inputs(graph, node))
      if (plan.find_activation(graph.value(node.inputs[i]).name) == nullptr)
        fail("has no parameters for its input '" + graph.value(node.inputs[i]).name + "'");
    const int weights = weight_input(graph, node);
    if (weights >= 0 && !plan.find_constant(node.name, static_cast<std::size_t>(weights)))
      fail("has no parameters for its weights");
  }
  if (row.mode == NodeMode::kDynamic && !can_be_dynamic(graph, node))
    fail("only MatMul, Gemm, Conv and LSTM with constant weights have that form");
  if (row.mode == NodeMode::kDynamic && plan.find_constant(node.name, 1) == nullptr)
    fail("has no parameters for its weights");
  if (row.float16 && !has_float16_form(node)) fail("it cannot be computed in float16");
  if (row.mode != NodeMode::kAbsorbed) return;
  const NodeId producer = uses.producer(node.input(0));
  const ActivationPlan* output = plan.find_activation(graph.value(node.outputs[0]).name);
  if (quant_role(graph, node) != QuantRole::kClamp || producer == kNoNode ||
      uses.only_consumer(node.input(0)) == kNoNode || output == nullptr || !output->everywhere ||
      plan.find_node(graph.node(producer).name)->mode != NodeMode::kInteger)
    fail("it is no clamp behind an integer node with a quantized result");
  const auto bounds = clamp_bounds(graph, node);
  if (bounds && exceeds(output->params, *bounds))
    fail("the parameters of '" + graph.value(node.outputs[0]).name +
         "' hold more than it lets pass");
}

// A clamp is not absorbed by a node that no longer computes in integers.
void restore_clamps(const Graph& graph, const Uses& uses, QuantizationPlan& plan) {
  for (NodePlan& row : plan.nodes) {
    if (row.mode != NodeMode::kAbsorbed) continue;
    const auto clamp = std::ranges::find(graph.nodes(), row.node, &Node::name);
    if (clamp == graph.nodes().end()) continue;
    const NodeId producer = uses.producer(clamp->input(0));
    if (producer == kNoNode) continue;
    const Node& before = graph.node(producer);
    if (plan.find_node(before.name)->mode == NodeMode::kInteger) continue;
    row.mode = NodeMode::kFloat;
    row.reason = before.label() + " before it is not in integers";
  }
}

bool needs_new_opset(const QuantParams& params) {
  const DType type = params.dtype;
  return type == DType::kU16 || type == DType::kS16 || type == DType::kU4 || type == DType::kS4 ||
         params.is_blocked();
}

}  // namespace

void check_opset(const Graph& graph, const QuantizationPlan& plan) {
  constexpr std::int64_t kSince = 21;
  const std::int64_t opset = std::max(graph.opset(), plan.opset);
  if (opset >= kSince) return;
  const auto check = [&](const std::string& name, const QuantParams& params) {
    if (needs_new_opset(params))
      throw usage_error("'" + name + "' becomes " + std::string(dtype_name(params.dtype)) +
                        ", which needs opset 21; the result would have opset " +
                        std::to_string(opset) + " (--opset 21 converts the model)");
  };
  for (const auto& [name, activation] : plan.activations) check(name, activation.params);
  for (const auto& [key, constant] : plan.constants) check(constant.value, constant.params);
}

void check_plan(const Graph& graph, QuantizationPlan& plan) {
  const NodePlaces nodes = nodes_by_name(graph);
  std::set<std::string> seen;
  for (const NodePlan& row : plan.nodes) {
    const auto it = nodes.find(row.node);
    if (it == nodes.end()) unknown("node", row.node, all_node_names(graph));
    if (!seen.insert(row.node).second)
      throw bad_input("the plan has two rows for the node '" + row.node + "'");
    const Node& node = it->second.node();
    if (node.op_type != row.op_type)
      throw bad_input("the plan calls '" + row.node + "' a " + row.op_type + "; it is a " +
                      node.op_type);
  }
  for (const auto& [name, place] : nodes)
    if (!seen.contains(name)) throw bad_input("the plan has no row for " + place.node().label());
  check_values(graph, plan);
  std::erase_if(plan.constants, [&](const auto& row) {
    const auto it = nodes.find(row.first.first);
    if (it == nodes.end()) unknown("node", row.first.first, all_node_names(graph));
    check_constant(*it->second.graph, it->second.node(), row.first.second, row.second);
    return plan.find_node(row.first.first)->mode == NodeMode::kFloat;
  });
  for (const PlacedGraph& placed : with_bodies(graph)) {
    const Graph& part = *placed.graph;
    const Uses uses(part);
    const ValueFunctions functions(part);
    restore_clamps(part, uses, plan);
    for (NodeId id = 0; id < part.node_count(); ++id) {
      const Node& node = part.node(id);
      check_mode(part, uses, node, *plan.find_node(node.name), functions.argument(id), plan);
    }
  }
  check_opset(graph, plan);
}

}  // namespace q8
