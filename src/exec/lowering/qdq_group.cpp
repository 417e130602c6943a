#include "exec/lowering/qdq_group.h"

#include <algorithm>
#include <limits>

#include "exec/lowering/clamp.h"

namespace q8 {
namespace {

bool is_dequantize(const Node& node) {
  return node.op_type == "DequantizeLinear" && !node.attributes.has("block_size");
}

bool is_quantize(const Node& node) {
  return node.op_type == "QuantizeLinear" && !node.attributes.has("block_size");
}

bool is_byte(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kS8;
}

}  // namespace

bool only_moves(const Node& node) {
  return !node.is("Pad") &&
         !(node.is("Resize") && node.attributes.get_string("mode", "nearest") != "nearest") &&
         node.attributes.get_string("coordinate_transformation_mode", "") != "tf_crop_and_resize";
}

QdqView::QdqView(const Graph& graph, const std::vector<ValueId>& keep)
    : graph_(graph), uses_(graph), kept_(graph.values().size(), false) {
  for (const ValueId id : keep) kept_[static_cast<std::size_t>(id)] = true;
}

std::optional<QuantizedInput> QdqView::quantized(ValueId value) const {
  if (value == kNoValue) return std::nullopt;
  const NodeId producer = uses_.producer(value);
  if (producer == kNoNode || !is_dequantize(graph_.node(producer))) return std::nullopt;
  const Node& node = graph_.node(producer);
  const Tensor* scale = graph_.constant(node.input(1));
  if (scale == nullptr || scale->dtype() != DType::kF32) return std::nullopt;
  if (node.input(0) == kNoValue || graph_.constant(node.input(2)) == nullptr) return std::nullopt;
  return QuantizedInput{node.input(0), node.input(1), node.input(2),
                        node.attributes.get_int("axis", 1)};
}

QdqGroup QdqView::group(NodeId id) const {
  const Node& node = graph_.node(id);
  QdqGroup group{.node = id,
                 .inputs = {},
                 .output = {},
                 .replaced = {id},
                 .result = node.outputs.empty() ? kNoValue : node.outputs[0],
                 .low = -std::numeric_limits<float>::infinity(),
                 .high = std::numeric_limits<float>::infinity()};
  for (const ValueId input : node.inputs) group.inputs.push_back(quantized(input));
  // Follow the result through clamps to a QuantizeLinear.
  ValueId value = group.result;
  std::vector<NodeId> passed;
  float low = group.low, high = group.high;
  while (value != kNoValue && !is_kept(value)) {
    const NodeId next = uses_.only_consumer(value);
    if (next == kNoNode || graph_.node(next).input(0) != value) break;
    const Node& reader = graph_.node(next);
    passed.push_back(next);
    if (is_quantize(reader)) {
      const QuantizedInput output{reader.outputs[0], reader.input(1), reader.input(2)};
      const auto params = byte_params(graph_, output);
      if (!params || !is_byte(params->dtype)) break;
      group.output = output;
      group.result = output.integers;
      group.replaced.insert(group.replaced.end(), passed.begin(), passed.end());
      group.low = low;
      group.high = high;
      break;
    }
    const auto clamp = clamp_of(graph_, reader);
    if (!clamp) break;
    low = std::min(std::max(low, clamp->low), clamp->high);  // as Clip itself, whatever the order
    high = std::min(std::max(high, clamp->low), clamp->high);
    value = reader.outputs[0];
  }
  return group;
}

std::optional<ByteParams> byte_params(const Graph& graph, const QuantizedInput& input) {
  const Tensor* scale = graph.constant(input.scale);
  if (scale == nullptr || scale->size() != 1 || scale->dtype() != DType::kF32) return std::nullopt;
  ByteParams params{.scale = scale->to_floats()[0]};
  const Tensor* zero = graph.constant(input.zero_point);
  if (zero == nullptr || zero->size() != 1) return std::nullopt;
  params.zero_point = static_cast<std::int32_t>(zero->to_int64s()[0]);
  params.dtype = zero->dtype();
  return params;
}

std::optional<ByteParams> byte_params(const Graph& graph, const Node& node) {
  if (!is_quantize(node) && !is_dequantize(node)) return std::nullopt;
  const auto params = byte_params(graph, {kNoValue, node.input(1), node.input(2)});
  return params && is_byte(params->dtype) ? params : std::nullopt;
}

}  // namespace q8
