#include "exec/fuse_float.h"

#include <algorithm>
#include <limits>

#include "exec/clamp.h"

namespace q8 {
namespace {

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph),
        keep_(keep),
        uses_(graph),
        kept_(graph.values().size(), false),
        place_(graph.values().size(), -1) {
    for (const ValueId id : keep) kept_[static_cast<std::size_t>(id)] = true;
    for (NodeId id = 0; id < graph.node_count(); ++id)
      for (const ValueId output : graph.node(id).outputs)
        if (output != kNoValue) place_[static_cast<std::size_t>(output)] = id;
  }

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (is_packed_conv(graph_.node(id))) gone += fuse(id);
    graph_.tidy(keep_);
    return gone;
  }

 private:
  bool is_packed_conv(const Node& node) const {
    const Tensor* weights = graph_.constant(node.input(1));
    return node.is("Conv") && weights != nullptr && weights->dtype() == DType::kF32 &&
           weights->rank() >= 3 &&
           (node.input(2) == kNoValue || graph_.constant(node.input(2)) != nullptr);
  }

  // The node that alone reads the value, where it may be swallowed.
  NodeId next(ValueId value) const {
    return kept_[static_cast<std::size_t>(value)] ? kNoNode : uses_.only_consumer(value);
  }

  int fuse(NodeId id) {
    int gone = 0;
    ValueId value = graph_.node(id).outputs[0];
    ValueId residual = kNoValue;
    if (const NodeId add = next(value);
        add != kNoNode && is_residual(graph_.node(add), value, id)) {
      const Node& node = graph_.node(add);
      residual = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
      value = node.outputs[0];
      graph_.remove_node(add);
      ++gone;
    }
    std::optional<Clamp> clamp;
    if (const NodeId reader = next(value); reader != kNoNode) {
      clamp = clamp_of(graph_, graph_.node(reader));
      if (clamp) {
        value = graph_.node(reader).outputs[0];
        graph_.remove_node(reader);
        ++gone;
      }
    }
    if (gone == 0) return 0;
    Node& conv = graph_.node(id);
    conv.domain =
        "q8";  // the channels-last form; the layout pass runs after this one and turns the inputs
    conv.outputs[0] = value;
    conv.inputs.resize(residual == kNoValue ? conv.inputs.size() : 4, kNoValue);
    if (residual != kNoValue) conv.inputs[3] = residual;
    if (clamp && clamp->low > -std::numeric_limits<float>::infinity())
      conv.attributes.set("clamp_lo", clamp->low);
    if (clamp && clamp->high < std::numeric_limits<float>::infinity())
      conv.attributes.set("clamp_hi", clamp->high);
    return gone;
  }

  // An Add of the Conv's result and of another tensor of its shape that is made before the Conv
  // runs. Shapes are not known here, so only the two forms that must agree are taken: the other
  // operand is a Conv's result too, or passed through clamps and Adds from such.
  bool is_residual(const Node& node, ValueId value, NodeId conv) const {
    if (!node.is("Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1])
      return false;
    const ValueId other = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
    const std::int64_t channels = graph_.constant(graph_.node(conv).inputs[1])->shape()[0];
    return made_before(other, conv) && channels > 1 &&
           has_shape_of(other, graph_.node(conv).outputs[0]);
  }

  bool made_before(ValueId value, NodeId node) const {
    return graph_.constant(value) == nullptr && place_[static_cast<std::size_t>(value)] < node;
  }

  // Declared dimensions, all but the batch known and equal.
  bool has_shape_of(ValueId a, ValueId b) const {
    const auto &x = graph_.value(a).type.dims, &y = graph_.value(b).type.dims;
    if (!x || !y || x->size() != y->size()) return false;
    for (std::size_t i = 0; i < x->size(); ++i)
      if ((*x)[i] != (*y)[i] || (i > 0 && (*x)[i] == kUnknownDim)) return false;
    return true;
  }

  Graph& graph_;
  const std::vector<ValueId>& keep_;
  const Uses uses_;
  std::vector<bool> kept_;
  std::vector<NodeId> place_;  // by value: the node that makes it, in the order before any change
};

}  // namespace

int fuse_float(Graph& graph, const std::vector<ValueId>& keep) {
  return Fuser(graph, keep).run();
}

}  // namespace q8
