#include "exec/fuse_activation.h"

#include <cmath>
#include <initializer_list>
#include <numbers>
#include <optional>

#include "exec/clamp.h"

namespace q8 {
namespace {

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph), uses_(graph), kept_(graph.values().size(), false) {
    for (const ValueId id : keep) kept_[static_cast<std::size_t>(id)] = true;
  }

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (graph_.node(id).is("Sigmoid")) gone += fuse_swish(id);
      if (graph_.node(id).is("Erf")) gone += fuse_gelu(id);
      if (graph_.node(id).is("Add")) gone += fuse_hard_swish_of_clip(id);
      if (graph_.node(id).is("HardSigmoid")) gone += fuse_hard_swish(id);
    }
    if (gone > 0) graph_.tidy();
    return gone;
  }

 private:
  // The node that alone reads the value, where it may be swallowed.
  NodeId next(ValueId value, const char* type) const {
    if (kept_[static_cast<std::size_t>(value)]) return kNoNode;
    const NodeId reader = uses_.only_consumer(value);
    return reader != kNoNode && graph_.node(reader).is(type) ? reader : kNoNode;
  }

  static ValueId other_input(const Node& node, ValueId one) {
    return node.inputs[0] == one ? node.inputs[1] : node.inputs[0];
  }

  // One float, whatever its shape: true where it stands within two roundings of `wanted` and does
  // not widen x by broadcasting.
  bool is_number(ValueId id, double wanted) const {
    const Tensor* constant = graph_.constant(id);
    if (constant == nullptr || constant->dtype() != DType::kF32 || constant->size() != 1 ||
        constant->rank() > 1)
      return false;
    return is_near(*constant->data<float>(), wanted);
  }
  static bool is_near(float found, double wanted) {
    return std::abs(static_cast<double>(found) - wanted) <= 2.4e-7 * wanted;
  }

  // Puts one node reading x in the place of the last of a chain.
  void replace(ValueId x, NodeId last, const char* type) {
    Node& node = graph_.node(last);
    node.domain.clear();
    node.op_type = type;
    node.inputs = {x};
    node.attributes = {};
  }

  int fuse_swish(NodeId sigmoid) {
    const ValueId x = graph_.node(sigmoid).inputs[0], y = graph_.node(sigmoid).outputs[0];
    const NodeId multiply = product_with(y, x);
    if (multiply == kNoNode) return 0;
    replace(x, multiply, "Swish");
    graph_.remove_node(sigmoid);
    return 1;
  }

  // x where `value` = x / √2 (or x · 1/√2).
  std::optional<ValueId> divided_by_root_2(NodeId id) const {
    if (id == kNoNode) return std::nullopt;
    const Node& node = graph_.node(id);
    if (node.is("Div") && is_number(node.inputs[1], std::numbers::sqrt2)) return node.inputs[0];
    if (!node.is("Mul")) return std::nullopt;
    for (std::size_t i = 0; i < 2; ++i)
      if (is_number(node.inputs[i], std::numbers::sqrt2 / 2)) return node.inputs[1 - i];
    return std::nullopt;
  }

  int fuse_gelu(NodeId erf) {
    const ValueId scaled = graph_.node(erf).inputs[0];
    const NodeId divide = uses_.producer(scaled);
    const auto x = divided_by_root_2(divide);
    if (!x || next(scaled, "Erf") != erf) return 0;
    ValueId value = graph_.node(erf).outputs[0];
    const NodeId add = next(value, "Add");
    if (add == kNoNode || !is_number(other_input(graph_.node(add), value), 1.0)) return 0;
    value = graph_.node(add).outputs[0];
    const NodeId first = next(value, "Mul");
    if (first == kNoNode) return 0;
    const ValueId factor = other_input(graph_.node(first), value);
    const ValueId product = graph_.node(first).outputs[0];
    // (x · 0.5) · sum: the halved x is a node of its own.
    if (const NodeId half = graph_.constant(factor) == nullptr ? uses_.producer(factor) : kNoNode;
        half != kNoNode && is_half_of(graph_.node(half), *x) && next(factor, "Mul") == first) {
      replace(*x, first, "Gelu");
      return remove({half, divide, erf, add});
    }
    // (x · sum) · 0.5, or (sum · 0.5) · x
    const NodeId second = next(product, "Mul");
    if (second == kNoNode) return 0;
    const ValueId last = other_input(graph_.node(second), product);
    const bool fits =
        (factor == *x && is_number(last, 0.5)) || (is_number(factor, 0.5) && last == *x);
    if (!fits) return 0;
    replace(*x, second, "Gelu");
    return remove({divide, erf, add, first});
  }

  bool is_half_of(const Node& node, ValueId x) const {
    if (!node.is("Mul")) return false;
    return (node.inputs[0] == x && is_number(node.inputs[1], 0.5)) ||
           (node.inputs[1] == x && is_number(node.inputs[0], 0.5));
  }

  // What reads `value` alone and takes a sixth of it.
  NodeId sixth_of(ValueId value) const {
    const NodeId divide = next(value, "Div");
    if (divide != kNoNode)
      return graph_.node(divide).inputs[0] == value && is_number(graph_.node(divide).inputs[1], 6)
                 ? divide
                 : kNoNode;
    const NodeId multiply = next(value, "Mul");
    return multiply != kNoNode && is_number(other_input(graph_.node(multiply), value), 1.0 / 6)
               ? multiply
               : kNoNode;
  }

  // What reads `value` alone and multiplies it by x.
  NodeId product_with(ValueId value, ValueId x) const {
    const NodeId multiply = next(value, "Mul");
    return multiply != kNoNode && other_input(graph_.node(multiply), value) == x ? multiply
                                                                                 : kNoNode;
  }

  // x · clip(x + 3, 0, 6) / 6, the sixth taken of the product or before it.
  int fuse_hard_swish_of_clip(NodeId add) {
    const Node& sum = graph_.node(add);
    const ValueId x = is_number(sum.inputs[1], 3) ? sum.inputs[0] : sum.inputs[1];
    if (!is_number(other_input(sum, x), 3)) return 0;
    const NodeId clip = next(sum.outputs[0], "Clip");
    const auto clamp = clip == kNoNode ? std::nullopt : clamp_of(graph_, graph_.node(clip));
    if (!clamp || clamp->low != 0 || clamp->high != 6) return 0;
    const ValueId clipped = graph_.node(clip).outputs[0];
    const NodeId multiply = product_with(clipped, x);
    const NodeId first = multiply != kNoNode ? multiply : sixth_of(clipped);
    if (first == kNoNode) return 0;
    const ValueId between = graph_.node(first).outputs[0];
    const NodeId last = multiply != kNoNode ? sixth_of(between) : product_with(between, x);
    if (last == kNoNode) return 0;
    replace(x, last, "HardSwish");
    return remove({add, clip, first});
  }

  // x · hard_sigmoid(x) with a slope of 1/6
  int fuse_hard_swish(NodeId id) {
    const Node& sigmoid = graph_.node(id);
    if (!is_near(sigmoid.attributes.get_float("alpha", 0.2f), 1.0 / 6) ||
        !is_near(sigmoid.attributes.get_float("beta", 0.5f), 0.5))
      return 0;
    const NodeId multiply = product_with(sigmoid.outputs[0], sigmoid.inputs[0]);
    if (multiply == kNoNode) return 0;
    replace(sigmoid.inputs[0], multiply, "HardSwish");
    return remove({id});
  }

  int remove(std::initializer_list<NodeId> nodes) {
    for (const NodeId id : nodes) graph_.remove_node(id);
    return static_cast<int>(nodes.size());
  }

  Graph& graph_;
  const Uses uses_;
  std::vector<bool> kept_;
};

}  // namespace

int fuse_activation(Graph& graph, const std::vector<ValueId>& keep) {
  return Fuser(graph, keep).run();
}

}  // namespace q8
