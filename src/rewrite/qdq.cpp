#include "rewrite/qdq.h"

#include <algorithm>

#include "plan/coverage.h"
#include "plan/targets.h"
#include "rewrite/dynamic.h"
#include "rewrite/emitter.h"
#include "rewrite/fences.h"
#include "rewrite/gates.h"

namespace q8 {
namespace {

// Which inputs of which integer nodes are activations, before anything is moved about.
using DataReads = std::vector<std::pair<NodeId, std::vector<std::size_t>>>;

DataReads integer_reads(const Graph& graph, const QuantizationPlan& plan) {
  std::map<std::string_view, const NodePlan*> plans;
  for (const NodePlan& node : plan.nodes) plans[node.node] = &node;
  DataReads reads;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const auto it = plans.find(graph.node(id).name);
    if (it != plans.end() && it->second->mode == NodeMode::kInteger)
      reads.emplace_back(id, data_inputs(graph, graph.node(id)));
  }
  return reads;
}

// The graph's nodes that compute `value` write to `other` instead.
void redirect_producer(Graph& graph, const Uses& uses, ValueId value, ValueId other) {
  auto& outputs = graph.node(uses.producer(value)).outputs;
  std::replace(outputs.begin(), outputs.end(), value, other);
}

void emit_activations(Emitter& emitter) {
  Graph& graph = emitter.graph();
  const Uses uses(graph);
  const DataReads reads = integer_reads(graph, emitter.plan());
  const ValueId count = graph.value_count();
  for (ValueId id = 0; id < count; ++id) {
    const std::string name = graph.value(id).name;
    const ActivationPlan* activation = emitter.plan().find_activation(name);
    if (activation == nullptr) continue;
    const bool is_source = uses.producer(id) == kNoNode;  // an input, or captured
    if (activation->everywhere && !is_source) {
      const ValueId real = graph.add_value(name + "_float");
      redirect_producer(graph, uses, id, real);
      emitter.dequantize(emitter.quantize(real, activation->params, name), name, id);
      continue;
    }
    const QuantizedValue quantized = emitter.quantize(id, activation->params, name);
    const ValueId real = emitter.dequantize(quantized, name);
    for (const auto& [node, positions] : reads)
      for (const std::size_t i : positions)
        if (graph.node(node).inputs[i] == id) graph.node(node).inputs[i] = real;
  }
}

void emit_constants(Emitter& emitter) {
  Graph& graph = emitter.graph();
  std::map<std::pair<ValueId, ValueId>, ValueId> made;  // (integers, scale) → dequantized
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    for (std::size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
      const ConstantPlan* constant = emitter.plan().find_constant(graph.node(id).name, i);
      if (constant == nullptr || constant->storage != Storage::kTensor) continue;
      const QuantizedValue value = emitter.quantized_constant(graph.node(id), i, *constant);
      ValueId& real = made.try_emplace({value.integers, value.scale}, kNoValue).first->second;
      if (real == kNoValue) real = emitter.dequantize(value, constant->value);
      graph.node(id).inputs[i] = real;
    }
  }
}

}  // namespace

Graph emit_qdq(const Graph& graph, const QuantizationPlan& plan) {
  Emitter emitter(graph, plan);
  emitter.remove_absorbed();
  emit_activations(emitter);
  emit_dynamic(emitter);
  emit_constants(emitter);
  if (find_target(plan.target).integer_gates) emit_gates(emitter);
  emitter.emit_tables();
  fence_float_products(emitter.graph(), plan);
  emitter.graph().tidy();
  return std::move(emitter.graph());
}

}  // namespace q8
