#include "exec/lowering/fuse_product_bias.h"

#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

constexpr std::size_t kWeights = 3, kBias = 6;  // of the product's inputs

bool is_product(const Node& node) {
  return node.domain == "q8" && node.op_type == "MatMulFromBytes" && node.inputs.size() <= kBias;
}

// The constant that the node adds to `value`, one number for each column of the weights.
ValueId bias_of(const Graph& graph, const Node& add, ValueId value, const Tensor& weights) {
  if (!add.is("Add") || add.inputs.size() != 2) return kNoValue;
  const ValueId other = add.inputs[add.inputs[0] == value ? 1 : 0];
  const Tensor* bias = graph.constant(other);
  const bool fits = bias != nullptr && bias->dtype() == DType::kF32 && bias->rank() == 1 &&
                    bias->size() == weights.shape()[1];
  return fits ? other : kNoValue;
}

}  // namespace

int fuse_product_bias(Graph& graph, const std::vector<ValueId>& keep) {
  const LoneReaders readers(graph, keep);
  int fused = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    Node& product = graph.node(id);
    if (!is_product(product)) continue;
    const Tensor* weights = graph.constant(product.inputs[kWeights]);
    if (weights == nullptr || weights->rank() != 2) continue;
    ValueId value = product.outputs[0];
    NodeId reader = readers.of(value), fence = kNoNode;
    if (reader != kNoNode && graph.node(reader).is("Max") &&
        graph.node(reader).inputs.size() == 1) {
      fence = reader;
      value = graph.node(fence).outputs[0];
      reader = readers.of(value);
    }
    if (reader == kNoNode) continue;
    const ValueId bias = bias_of(graph, graph.node(reader), value, *weights);
    if (bias == kNoValue) continue;
    product.inputs.resize(kBias + 1, kNoValue);
    product.inputs[kBias] = bias;
    product.outputs[0] = graph.node(reader).outputs[0];
    if (fence != kNoNode) graph.remove_node(fence);
    graph.remove_node(reader);
    ++fused;
  }
  if (fused > 0) graph.tidy(keep);
  return fused;
}

}  // namespace q8
