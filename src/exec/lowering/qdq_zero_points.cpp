#include "exec/lowering/qdq_zero_points.h"

#include "tensor/onnx_type.h"

namespace q8 {
namespace {

// What a QuantizeLinear without a zero point makes; nothing for types that are not bytes.
std::optional<DType> output_type(const Node& node) {
  constexpr std::int64_t kUndefined = 0;
  const std::int64_t code = node.attributes.get_int("output_dtype", kUndefined);
  if (code == kUndefined) return DType::kU8;
  const auto type = dtype_of_onnx(code);
  if (type == DType::kU8 || type == DType::kS8) return type;
  return std::nullopt;
}

std::optional<DType> integer_type(const Graph& graph, const Uses& uses, ValueId integers) {
  if (integers == kNoValue) return std::nullopt;
  if (const Tensor* constant = graph.constant(integers)) return constant->dtype();
  const NodeId producer = uses.producer(integers);
  if (producer == kNoNode || graph.node(producer).op_type != "QuantizeLinear")
    return graph.is_input(integers) ? graph.value(integers).type.dtype : std::nullopt;
  const Node& node = graph.node(producer);
  if (node.input(2) == kNoValue) return output_type(node);
  const Tensor* zero = graph.constant(node.input(2));
  return zero != nullptr ? std::optional(zero->dtype()) : std::nullopt;
}

}  // namespace

void complete_zero_points(Graph& graph) {
  const Uses uses(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const bool quantizes = node.op_type == "QuantizeLinear";
    if ((!quantizes && node.op_type != "DequantizeLinear") || node.inputs.size() < 2) continue;
    const Tensor* scale = graph.constant(node.input(1));
    if (node.input(2) != kNoValue || scale == nullptr) continue;
    const auto type = quantizes ? output_type(node) : integer_type(graph, uses, node.input(0));
    if (!type) continue;
    const ValueId zero =
        graph.add_constant(node.name + "_zero_point", Tensor::zeros(*type, scale->shape()));
    graph.node(id).inputs.resize(3, kNoValue);
    graph.node(id).inputs[2] = zero;
  }
}

}  // namespace q8
