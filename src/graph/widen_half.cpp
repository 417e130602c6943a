#include "graph/widen_half.h"

#include <algorithm>
#include <array>

#include "graph/bodies.h"
#include "tensor/half_type.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

bool is_half_type(const TypeInfo& type) {
  return type.dtype && is_half(*type.dtype);
}

bool widen(Tensor& tensor) {
  if (!is_half(tensor.dtype())) return false;
  tensor = cast(tensor, DType::kF32);
  return true;
}

// Types and values that nodes have as attributes: Cast, EyeLike, ConstantOfShape …
bool widen_attributes(Node& node) {
  bool changed = false;
  for (auto& [name, attribute] : node.attributes) {
    if (Tensor* tensor = std::get_if<Tensor>(&attribute)) changed = widen(*tensor) || changed;
    if (name != "to" && name != "dtype") continue;
    std::int64_t* type = std::get_if<std::int64_t>(&attribute);
    if (type == nullptr || !is_half(dtype_of_onnx(*type).value_or(DType::kF32))) continue;
    *type = onnx_code(DType::kF32);
    changed = true;
  }
  return changed;
}

bool widen_inside(Graph& graph) {
  bool changed = false;
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    Value& value = graph.value(id);
    if (value.constant) changed = widen(*value.constant) || changed;
    if (!is_half_type(value.type)) continue;
    value.type.dtype = DType::kF32;
    changed = true;
  }
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    changed = widen_attributes(graph.node(id)) || changed;
    edit_bodies(graph.node(id), [&](Graph& body) { changed = widen_inside(body) || changed; });
  }
  return changed;
}

void add_cast(Graph& graph, ValueId from, ValueId to, DType type) {
  Attributes attributes;
  attributes.set("to", onnx_code(type));
  graph.add_node({.name = graph.unique_node_name(graph.value(from).name + "_Cast"),
                  .domain = "",
                  .op_type = "Cast",
                  .inputs = {from},
                  .outputs = {to},
                  .attributes = std::move(attributes),
                  .doc = ""});
}

bool makes_float(const Node& cast) {
  return dtype_of_onnx(cast.attributes.get_int("to", 0)) == DType::kF32;
}

// Whether a value is FP32 whatever else is not known of types.
bool is_surely_float(const Graph& graph, const Uses& uses, ValueId id) {
  constexpr std::array<std::string_view, 10> kFloatResults = {
      "Conv",    "ConvTranspose", "MatMul", "Gemm", "BatchNormalization", "LayerNormalization",
      "Softmax", "Sigmoid",       "Tanh",   "Erf"};
  if (graph.value(id).type.dtype) return graph.value(id).type.dtype == DType::kF32;
  const NodeId producer = uses.producer(id);
  if (producer == kNoNode) return false;
  const Node& node = graph.node(producer);
  if (node.is("Cast")) return makes_float(node);
  return node.domain.empty() &&
         std::ranges::find(kFloatResults, node.op_type) != kFloatResults.end();
}

// Casts from 16 bits to 32 and back do nothing any more.
void remove_casts(Graph& graph) {
  const Uses uses(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (!node.is("Cast") || !makes_float(node)) continue;
    if (!is_surely_float(graph, uses, node.inputs[0])) continue;
    if (graph.bypass(node.inputs[0], node.outputs[0])) graph.remove_node(id);
  }
  graph.tidy();
}

}  // namespace

bool widen_half(Graph& graph) {
  std::vector<std::pair<ValueId, DType>> inputs, outputs;
  for (const ValueId id : graph.inputs())
    if (is_half_type(graph.value(id).type)) inputs.emplace_back(id, *graph.value(id).type.dtype);
  for (const ValueId id : graph.outputs())
    if (is_half_type(graph.value(id).type)) outputs.emplace_back(id, *graph.value(id).type.dtype);
  if (!widen_inside(graph)) return false;
  remove_casts(graph);
  const Uses uses(graph);
  for (const auto& [id, type] : outputs) {
    const NodeId producer = uses.producer(id);
    if (producer == kNoNode) continue;  // an input, as it comes
    const ValueId wide = graph.add_value(graph.value(id).name + "_float");
    graph.replace_uses(id, wide);
    std::ranges::replace(graph.node(producer).outputs, id, wide);
    graph.value(wide).type = graph.value(id).type;
    graph.value(id).type.dtype = type;
    add_cast(graph, wide, id, type);
  }
  for (const auto& [id, type] : inputs) {
    const ValueId wide = graph.add_value(graph.value(id).name + "_float");
    graph.replace_uses(id, wide);
    graph.value(wide).type = graph.value(id).type;
    graph.value(id).type.dtype = type;
    add_cast(graph, id, wide, DType::kF32);
  }
  graph.tidy();
  return true;
}

}  // namespace q8
