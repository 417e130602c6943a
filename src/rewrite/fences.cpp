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

// A Relu or Clip whose result is not quantized at once.
bool is_float_clamp(const Graph& graph, const Uses& uses, NodeId id) {
  const Node& node = graph.node(id);
  if (!node.is("Relu") && !node.is("Clip")) return false;
  const NodeId reader = uses.only_consumer(node.outputs[0]);
  return reader == kNoNode || !graph.node(reader).is("QuantizeLinear");
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

void fence_integer_products(Graph& graph, const QuantizationPlan& plan) {
  if (!find_target(plan.target).joins_what_follows) return;
  const Uses uses(graph);
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    if ((!node.is("MatMul") && !node.is("Gemm")) || !is_integer(plan, node)) continue;
    const std::string name = node.name;
    ValueId product = node.outputs[0];
    NodeId reader = uses.only_consumer(product);
    if (reader == kNoNode) {
      for (const NodeId one : uses.consumers(product))
        if (graph.node(one).is("QuantizeLinear")) put_between(graph, product, one, name);
      continue;
    }
    if (node.is("MatMul") && graph.node(reader).is("Add")) {
      const NodePlan* add = plan.find_node(graph.node(reader).name);
      if (add == nullptr || add->mode != NodeMode::kWeightOnly) {
        if (may_be_matrix(graph, product)) put_between(graph, product, reader, name);
        continue;
      }
      product = graph.node(reader).outputs[0];  // with its bias, in s32
      reader = uses.only_consumer(product);
    }
    if (reader != kNoNode && is_float_clamp(graph, uses, reader))
      put_between(graph, product, reader, name);
  }
}

}  // namespace q8
