#include "exec/lowering/activation_patterns.h"

#include <cmath>
#include <numbers>
#include <optional>

#include "exec/lowering/clamp.h"
#include "exec/lowering/float_number.h"
#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

using Kind = ActivationPattern::Kind;
using Found = std::optional<ActivationPattern>;

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph), readers_(graph, keep) {}

  // The pattern that the node is the first of, as far as it shows.
  Found at(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.is("Sigmoid")) return swish(id);
    if (node.is("Erf")) return gelu(id);
    if (node.is("Tanh")) return gelu_tanh(id);
    if (node.is("Add")) return hard_swish_of_clip(id);
    if (node.is("HardSigmoid")) return hard_swish(id);
    return std::nullopt;
  }

 private:
  // The node that alone reads the value, where it may be swallowed.
  NodeId next(ValueId value, const char* type) const {
    const NodeId reader = readers_.of(value);
    return reader != kNoNode && graph_.node(reader).is(type) ? reader : kNoNode;
  }

  static ValueId other_input(const Node& node, ValueId one) {
    return node.inputs[0] == one ? node.inputs[1] : node.inputs[0];
  }

  // True for one float that stands within two roundings of `wanted`.
  bool is_number(ValueId id, double wanted) const {
    const float* number = float_number(graph_, id);
    return number != nullptr && is_near(*number, wanted);
  }
  static bool is_near(float found, double wanted) {
    return std::abs(static_cast<double>(found) - wanted) <= 2.4e-7 * wanted;
  }

  Found swish(NodeId sigmoid) const {
    const ValueId x = graph_.node(sigmoid).inputs[0], y = graph_.node(sigmoid).outputs[0];
    const NodeId multiply = product_with(y, x);
    if (multiply == kNoNode) return std::nullopt;
    return ActivationPattern{Kind::kSwish, x, multiply, {sigmoid}};
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

  Found gelu(NodeId erf) const {
    const ValueId scaled = graph_.node(erf).inputs[0];
    const NodeId divide = readers_.producer(scaled);
    const auto x = divided_by_root_2(divide);
    if (!x || next(scaled, "Erf") != erf) return std::nullopt;
    return half_of_one_plus(Kind::kGelu, *x, erf, {divide, erf});
  }

  // The rest of a Gelu: x · (`value` + 1) · 0.5, in any order, where node `id` makes the value.
  Found half_of_one_plus(Kind kind, ValueId x, NodeId id, std::vector<NodeId> inner) const {
    ValueId value = graph_.node(id).outputs[0];
    const NodeId add = next(value, "Add");
    if (add == kNoNode || !is_number(other_input(graph_.node(add), value), 1.0))
      return std::nullopt;
    inner.push_back(add);
    value = graph_.node(add).outputs[0];
    const NodeId first = next(value, "Mul");
    if (first == kNoNode) return std::nullopt;
    const ValueId factor = other_input(graph_.node(first), value);
    const ValueId product = graph_.node(first).outputs[0];
    // (x · 0.5) · sum: the halved x is a node of its own.
    if (const NodeId half =
            graph_.constant(factor) == nullptr ? readers_.producer(factor) : kNoNode;
        half != kNoNode && is_half_of(graph_.node(half), x) && next(factor, "Mul") == first) {
      inner.push_back(half);
      return ActivationPattern{kind, x, first, std::move(inner)};
    }
    // (x · sum) · 0.5, or (sum · 0.5) · x
    const NodeId second = next(product, "Mul");
    if (second == kNoNode) return std::nullopt;
    inner.push_back(first);
    const ValueId last = other_input(graph_.node(second), product);
    const bool fits =
        (factor == x && is_number(last, 0.5)) || (is_number(factor, 0.5) && last == x);
    if (!fits) return std::nullopt;
    return ActivationPattern{kind, x, second, std::move(inner)};
  }

  // The other factor of what makes `value`, where one is `number`, and nobody else reads it.
  std::optional<ValueId> times(ValueId value, double number, std::vector<NodeId>& inner) const {
    const NodeId id = readers_.producer(value);
    if (id == kNoNode || !graph_.node(id).is("Mul") || !is_read_once(value)) return std::nullopt;
    inner.push_back(id);
    for (std::size_t i = 0; i < 2; ++i)
      if (is_number(graph_.node(id).inputs[i], number)) return graph_.node(id).inputs[1 - i];
    return std::nullopt;
  }

  bool is_read_once(ValueId value) const { return readers_.of(value) != kNoNode; }

  // x³ as a power or as products.
  bool is_cube_of(ValueId value, ValueId x, std::vector<NodeId>& inner) const {
    const NodeId id = readers_.producer(value);
    if (id == kNoNode || !is_read_once(value)) return false;
    const Node& node = graph_.node(id);
    inner.push_back(id);
    if (node.is("Pow")) return node.inputs[0] == x && is_number(node.inputs[1], 3);
    if (!node.is("Mul") || (node.inputs[0] != x && node.inputs[1] != x)) return false;
    const ValueId square = other_input(node, x);
    const NodeId square_id = readers_.producer(square);
    if (square_id == kNoNode || !is_read_once(square)) return false;
    const Node& squares = graph_.node(square_id);
    inner.push_back(square_id);
    if (squares.is("Pow")) return squares.inputs[0] == x && is_number(squares.inputs[1], 2);
    return squares.is("Mul") && squares.inputs[0] == x && squares.inputs[1] == x;
  }

  // Its tanh is of √(2/π) · (x + 0.044715 · x³).
  Found gelu_tanh(NodeId tanh) const {
    std::vector<NodeId> inner{tanh};
    const auto sum = times(graph_.node(tanh).inputs[0], std::sqrt(2 / std::numbers::pi), inner);
    const NodeId add = sum ? readers_.producer(*sum) : kNoNode;
    if (add == kNoNode || !graph_.node(add).is("Add") || !is_read_once(*sum)) return std::nullopt;
    inner.push_back(add);
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<NodeId> all = inner;
      const ValueId x = graph_.node(add).inputs[i];
      const auto cube = times(graph_.node(add).inputs[1 - i], 0.044715, all);
      if (cube && is_cube_of(*cube, x, all)) return half_of_one_plus(Kind::kGeluTanh, x, tanh, all);
    }
    return std::nullopt;
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
  Found hard_swish_of_clip(NodeId add) const {
    const Node& sum = graph_.node(add);
    const ValueId x = is_number(sum.inputs[1], 3) ? sum.inputs[0] : sum.inputs[1];
    if (!is_number(other_input(sum, x), 3)) return std::nullopt;
    const NodeId clip = next(sum.outputs[0], "Clip");
    const auto clamp = clip == kNoNode ? std::nullopt : clamp_of(graph_, graph_.node(clip));
    if (!clamp || clamp->low != 0 || clamp->high != 6) return std::nullopt;
    const ValueId clipped = graph_.node(clip).outputs[0];
    const NodeId multiply = product_with(clipped, x);
    const NodeId first = multiply != kNoNode ? multiply : sixth_of(clipped);
    if (first == kNoNode) return std::nullopt;
    const ValueId between = graph_.node(first).outputs[0];
    const NodeId last = multiply != kNoNode ? sixth_of(between) : product_with(between, x);
    if (last == kNoNode) return std::nullopt;
    return ActivationPattern{Kind::kHardSwish, x, last, {add, clip, first}};
  }

  // x · hard_sigmoid(x) with a slope of 1/6
  Found hard_swish(NodeId id) const {
    const Node& sigmoid = graph_.node(id);
    if (!is_near(sigmoid.attributes.get_float("alpha", 0.2f), 1.0 / 6) ||
        !is_near(sigmoid.attributes.get_float("beta", 0.5f), 0.5))
      return std::nullopt;
    const NodeId multiply = product_with(sigmoid.outputs[0], sigmoid.inputs[0]);
    if (multiply == kNoNode) return std::nullopt;
    return ActivationPattern{Kind::kHardSwish, sigmoid.inputs[0], multiply, {id}};
  }

  const Graph& graph_;
  const LoneReaders readers_;
};

}  // namespace

std::vector<ActivationPattern> find_activation_patterns(const Graph& graph,
                                                        const std::vector<ValueId>& keep) {
  const Finder finder(graph, keep);
  std::vector<ActivationPattern> patterns;
  for (NodeId id = 0; id < graph.node_count(); ++id)
    if (auto found = finder.at(id)) patterns.push_back(std::move(*found));
  return patterns;
}

}  // namespace q8
