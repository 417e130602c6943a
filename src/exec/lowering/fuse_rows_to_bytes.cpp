#include "exec/lowering/fuse_rows_to_bytes.h"

#include <algorithm>

#include "exec/lowering/float_number.h"
#include "exec/lowering/lone_readers.h"
#include "exec/lowering/qdq_group.h"

namespace q8 {
namespace {

class RowsFuser {
 public:
  RowsFuser(LoweredGraph& lowered, const std::vector<ValueId>& keep)
      : graph_(lowered.graph), readers_(lowered.graph, shown_values(lowered, keep)) {}

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (is_product(graph_.node(id))) gone += fuse_product(id);
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (is_row_function(graph_.node(id))) gone += fuse(id);
    return gone;
  }

 private:
  bool is_float_constant(ValueId id) const {
    const Tensor* constant = graph_.constant(id);
    return constant != nullptr && constant->dtype() == DType::kF32;
  }

  // Along the last axis, as far as that can be seen here.
  bool is_of_last_axis(const Node& node) const {
    const std::int64_t axis = node.attributes.get_int("axis", -1);
    const auto& dims = graph_.value(node.inputs[0]).type.dims;
    return axis == -1 || (dims && axis + 1 == static_cast<std::int64_t>(dims->size()));
  }

  bool is_row_function(const Node& node) const {
    if (node.is("Softmax")) return graph_.opset("") >= 13 && is_of_last_axis(node);
    if (node.is("Gelu")) return true;
    return node.is("LayerNormalization") && node.outputs.size() == 1 && is_of_last_axis(node) &&
           is_float_constant(node.input(1)) && graph_.constant(node.input(1))->rank() == 1 &&
           (node.input(2) == kNoValue ||
            (is_float_constant(node.input(2)) && graph_.constant(node.input(2))->rank() == 1));
  }

  // The one that alone reads the value may swallow it.
  bool is_swallowed(ValueId value) const { return readers_.of(value) != kNoNode; }

  // A QuantizeLinear of floats to bytes that reads the value; the first one.
  NodeId quantizer(ValueId value) const {
    for (const NodeId id : readers_.all_of(value)) {
      const Node& node = graph_.node(id);
      if (node.is("QuantizeLinear") && node.inputs[0] == value && byte_params(graph_, node))
        return id;
    }
    return kNoNode;
  }

  // Of bytes with a matrix of weights, everything but the left factor constant.
  bool is_product(const Node& node) const {
    if (node.domain != "q8" || node.op_type != "MatMulFromBytes") return false;
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      if (node.inputs[i] != kNoValue && graph_.constant(node.inputs[i]) == nullptr) return false;
    return graph_.constant(node.input(3))->rank() == 2;
  }

  int fuse_product(NodeId id) {
    ValueId y = graph_.node(id).outputs[0];
    std::string function;
    const NodeId gelu = readers_.of(y);
    if (gelu != kNoNode && graph_.node(gelu).is("Gelu")) {
      y = graph_.node(gelu).outputs[0];
      function = graph_.node(gelu).attributes.get_string("approximate", "none") == "tanh"
                     ? "GeluTanh"
                     : "Gelu";
    }
    const NodeId quantize = is_swallowed(y) ? quantizer(y) : kNoNode;
    if (quantize == kNoNode) return 0;
    const Node& rounded = graph_.node(quantize);
    Node& node = graph_.node(id);
    node.op_type = "MatMulThroughFloats";
    node.inputs.resize(7, kNoValue);
    node.inputs.insert(node.inputs.end(), {rounded.input(1), rounded.input(2)});
    node.outputs = rounded.outputs;
    graph_.remove_node(quantize);
    if (function.empty()) return 1;
    node.attributes.set("function", function);
    graph_.remove_node(gelu);
    return 2;
  }

  int fuse(NodeId id) {
    const ValueId y = graph_.node(id).outputs[0];
    const NodeId quantize = quantizer(y);
    if (quantize == kNoNode) return 0;
    int gone = 1;
    const bool is_norm = graph_.node(id).is("LayerNormalization");
    ValueId x = graph_.node(id).inputs[0], addend = kNoValue, factor = kNoValue, sum = kNoValue;
    if (const NodeId add = readers_.producer(x); add != kNoNode && is_sum(graph_.node(add), id)) {
      if (!is_swallowed(x)) sum = x;
      x = graph_.node(add).inputs[0];
      addend = graph_.node(add).inputs[1];
      if (multiplied(addend) != kNoNode) std::swap(x, addend);
      graph_.remove_node(add);
      ++gone;
    }
    if (const NodeId product = multiplied(x); product != kNoNode && !is_norm) {
      const Node& node = graph_.node(product);
      const bool first = is_number(node.inputs[1]);
      x = node.inputs[first ? 0 : 1];
      factor = node.inputs[first ? 1 : 0];
      graph_.remove_node(product);
      ++gone;
    }
    const Node& rounded = graph_.node(quantize);
    const ValueId bytes = rounded.outputs[0], scale = rounded.input(1), zero = rounded.input(2);
    graph_.remove_node(quantize);
    Node& node = graph_.node(id);
    std::vector<ValueId> inputs{x, scale, zero, factor, addend};
    if (is_norm) inputs.insert(inputs.end(), {node.input(1), node.input(2)});
    node.domain = "q8";
    node.op_type += "ToBytes";
    node.inputs = std::move(inputs);
    node.outputs = {bytes, is_swallowed(y) ? kNoValue : y, sum};
    return gone;
  }

  bool is_number(ValueId id) const { return float_number(graph_, id) != nullptr; }

  // A Mul by a number that makes the value for one reader.
  NodeId multiplied(ValueId value) const {
    const NodeId id = readers_.producer(value);
    if (id == kNoNode || !is_swallowed(value)) return kNoNode;
    const Node& node = graph_.node(id);
    return node.is("Mul") && (is_number(node.inputs[0]) || is_number(node.inputs[1])) ? id
                                                                                      : kNoNode;
  }

  // Before a Gelu it is a bias, which products take themselves.
  bool is_sum(const Node& add, NodeId reader) const {
    return add.is("Add") && add.inputs.size() == 2 && add.inputs[0] != add.inputs[1] &&
           !graph_.node(reader).is("Gelu");
  }

  Graph& graph_;
  const LoneReaders readers_;
};

}  // namespace

int fuse_rows_to_bytes(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  const int gone = RowsFuser(lowered, keep).run();
  if (gone > 0) lowered.graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8
