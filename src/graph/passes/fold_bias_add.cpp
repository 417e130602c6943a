#include "graph/canonicalize.h"

namespace q8 {
namespace {

// The values of a constant that adds one number to each channel of a Conv's output (or one to all),
// as [channels].
std::optional<Tensor> per_channel(const Tensor& constant, std::int64_t channels,
                                  std::int64_t rank) {
  if (constant.dtype() != DType::kF32) return std::nullopt;
  const Shape& shape = constant.shape();
  if (constant.size() != channels || shape.rank() > rank) return std::nullopt;
  const std::int64_t channel_axis = shape.rank() - (rank - 1);  // the output is [N, C, spatial …]
  if (channels > 1 && (channel_axis < 0 || shape[channel_axis] != channels)) return std::nullopt;
  return constant.reshaped(Shape{channels});
}

bool fold_one(Graph& graph, const Uses& uses, NodeId add_id) {
  const Node& add = graph.node(add_id);
  for (std::size_t side = 0; side < 2; ++side) {
    const Tensor* constant = graph.constant(add.inputs[1 - side]);
    if (add.inputs[side] == kNoValue) continue;
    const NodeId producer = uses.producer(add.inputs[side]);
    if (constant == nullptr || producer == kNoNode) continue;
    Node& conv = graph.node(producer);
    if (!conv.is("Conv") || conv.input(2) != kNoValue) continue;
    if (uses.only_consumer(add.inputs[side]) != add_id) continue;
    const Tensor* weight = graph.constant(conv.input(1));
    if (weight == nullptr || weight->dtype() != DType::kF32 || weight->rank() < 3) continue;
    auto bias = per_channel(*constant, weight->shape()[0], weight->rank());
    if (!bias || !graph.bypass(conv.outputs[0], add.outputs[0])) continue;
    graph.remove_node(add_id);
    const ValueId bias_id =
        graph.add_constant(graph.value(conv.inputs[1]).name + "_bias", std::move(*bias));
    Node& biased = graph.node(producer);
    biased.inputs.resize(3, kNoValue);
    biased.inputs[2] = bias_id;
    return true;
  }
  return false;
}

}  // namespace

int fold_bias_add(Graph& graph, const Evaluate&) {
  int folded = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id)
    if (graph.node(id).is("Add") && graph.node(id).inputs.size() == 2 &&
        graph.node(id).outputs.size() == 1)
      folded += fold_one(graph, Uses(graph), id);
  return folded;
}

}  // namespace q8
