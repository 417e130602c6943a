#include "rewrite/fences.h"

#include <algorithm>

#include "plan/targets.h"

namespace q8 {
namespace {

// A Max of `value` alone, which `reader` reads in its place.
void put_between(Graph& graph, ValueId value, NodeId reader, const std::string& name) {
  const ValueId fenced = graph.add_value(graph.value(value).name + "_float");
  graph.add_node({.name = name + "_Max",
                  .domain = "",
                  .op_type = "Max",
                  .inputs = {value},
                  .outputs = {fenced},
                  .attributes = {},
                  .doc = ""});
  auto& inputs = graph.node(reader).inputs;
  std::replace(inputs.begin(), inputs.end(), value, fenced);
}

bool is_integer(const QuantizationPlan& plan, const Node& node) {
  const NodePlan* row = plan.find_node(node.name);
  return row != nullptr && row->mode == NodeMode::kInteger;
}

// What the graph says of the rank; where it says nothing the runtime may still find out.
bool may_be_matrix(const Graph& graph, ValueId id) {
  const auto& dims = graph.value(id).type.dims;
  return !dims || dims->size() == 2;
}

}  // namespace

void fence_float_products(Graph& graph, const QuantizationPlan& plan) {
  const Uses uses(graph);
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    if (!node.is("Conv") && !node.is("ConvTranspose") && !node.is("Gemm") && !node.is("MatMul"))
      continue;
    if (plan.find_node(node.name) == nullptr || is_integer(plan, node)) continue;
    const ValueId data = node.inputs[0];
    const NodeId producer = uses.producer(data);
    if (producer == kNoNode || !graph.node(producer).is("DequantizeLinear")) continue;
    put_between(graph, data, id, node.name);
  }
}

void fence_sums(Graph& graph, const QuantizationPlan& plan) {
  if (!find_target(plan.target).joins_sums) return;
  const Uses uses(graph);
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    const Node& matmul = graph.node(id);
    if (!matmul.is("MatMul") || !is_integer(plan, matmul)) continue;
    const ValueId product = matmul.outputs[0];
    const NodeId reader = uses.only_consumer(product);
    if (reader == kNoNode || !graph.node(reader).is("Add") || !may_be_matrix(graph, product))
      continue;
    const NodePlan* add = plan.find_node(graph.node(reader).name);
    if (add != nullptr && add->mode == NodeMode::kWeightOnly) continue;  // a bias, in s32
    put_between(graph, product, reader, matmul.name);
  }
}

}  // namespace q8
