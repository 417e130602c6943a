#include "exec/fuse_conv_pair.h"

#include <algorithm>

namespace q8 {
namespace {

// The weights of a two-dimensional Conv with channels last that adds no residual, or null.
const Tensor* plain_weights(const Graph& graph, const Node& node) {
  if (node.domain != "q8" || node.op_type != "Conv" || node.input(3) != kNoValue) return nullptr;
  const Tensor* weights = graph.constant(node.input(1));
  const bool fits = weights != nullptr && weights->dtype() == DType::kF32 && weights->rank() == 4 &&
                    (node.input(2) == kNoValue || graph.constant(node.input(2)) != nullptr);
  return fits ? weights : nullptr;
}

bool is_pointwise(const Node& node, const Shape& weights) {
  const auto all = [&](const char* name, std::int64_t value) {
    return std::ranges::all_of(node.attributes.get_ints(name),
                               [value](std::int64_t v) { return v == value; });
  };
  return weights[2] == 1 && weights[3] == 1 && node.attributes.get_int("group", 1) == 1 &&
         all("kernel_shape", 1) && all("strides", 1) && all("pads", 0);
}

bool is_depthwise(const Node& node, const Shape& weights) {
  return weights[0] > 1 && weights[1] == 1 && node.attributes.get_int("group", 1) == weights[0];
}

}  // namespace

int fuse_conv_pair(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  Graph& graph = lowered.graph;
  const Uses uses(graph);
  int gone = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& first = graph.node(id);
    const Tensor* weights = plain_weights(graph, first);
    if (weights == nullptr || !is_pointwise(first, weights->shape()) ||
        is_shown(lowered, first.outputs[0], keep))
      continue;
    const NodeId reader = uses.only_consumer(first.outputs[0]);
    if (reader == kNoNode) continue;
    Node& second = graph.node(reader);
    const Tensor* second_weights = plain_weights(graph, second);
    if (second_weights == nullptr || !is_depthwise(second, second_weights->shape()) ||
        second_weights->shape()[0] != weights->shape()[0])
      continue;
    second.op_type = "ConvPair";
    second.inputs = {first.inputs[0], first.inputs[1], first.input(2), second.inputs[1],
                     second.input(2)};
    for (const char* name : {"clamp_lo", "clamp_hi", "activation", "activation_params"})
      if (const Attribute* attribute = first.attributes.find(name))
        second.attributes.set(std::string("first_") + name, *attribute);
    graph.remove_node(id);
    ++gone;
  }
  if (gone > 0) graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8
