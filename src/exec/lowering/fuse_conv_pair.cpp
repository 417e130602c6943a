#include "exec/lowering/fuse_conv_pair.h"

#include <optional>

#include "base/error.h"
#include "exec/lowering/lone_readers.h"
#include "kernels/f32/conv_pair.h"
#include "ops/conv_attributes.h"

namespace q8 {
namespace {

// A two-dimensional Conv with channels last and constant weights that adds no residual.
std::optional<ConvGeometry> plain_conv(const Graph& graph, const Node& node) try {
  if (node.domain != "q8" || node.op_type != "Conv" || node.input(3) != kNoValue)
    return std::nullopt;
  const Tensor* weights = graph.constant(node.input(1));
  const bool fits = weights != nullptr && weights->dtype() == DType::kF32 && weights->rank() == 4 &&
                    (node.input(2) == kNoValue || graph.constant(node.input(2)) != nullptr);
  if (!fits) return std::nullopt;
  return ConvAttributes(node.attributes, Layout::kChannelsLast).weight_geometry(*weights);
} catch (const Error& error) {
  throw error.within(node.label());
}

}  // namespace

int fuse_conv_pair(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  Graph& graph = lowered.graph;
  const LoneReaders readers(graph, shown_values(lowered, keep));
  int gone = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& first = graph.node(id);
    const auto geometry = plain_conv(graph, first);
    const NodeId reader = geometry ? readers.of(first.outputs[0]) : kNoNode;
    if (reader == kNoNode) continue;
    Node& second = graph.node(reader);
    const auto second_geometry = plain_conv(graph, second);
    if (!second_geometry || !ConvPairF32::can(*geometry, *second_geometry)) continue;
    second.op_type = "ConvPair";
    second.inputs = {first.inputs[0], first.inputs[1], first.input(2), second.inputs[1],
                     second.input(2)};
    for (const auto& [name, attribute] : first.attributes)
      second.attributes.set("first_" + name, attribute);
    graph.remove_node(id);
    ++gone;
  }
  if (gone > 0) graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8
