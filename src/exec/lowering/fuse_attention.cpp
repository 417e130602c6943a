#include "exec/lowering/fuse_attention.h"

#include <algorithm>
#include <optional>

#include "exec/lowering/float_number.h"
#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

class AttentionFuser {
 public:
  AttentionFuser(Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph), keep_(keep), readers_(graph, keep) {}

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (graph_.node(id).is("Softmax")) gone += fuse(id);
    if (gone > 0) graph_.tidy(keep_);
    return gone;
  }

 private:
  // A factor of a product, and the Transpose in front of it where that can go.
  struct Operand {
    ValueId value = kNoValue;
    NodeId transpose = kNoNode;
    std::vector<std::int64_t> order = {};
  };

  int fuse(NodeId softmax) {
    if (graph_.opset("") < 13 || graph_.node(softmax).attributes.get_int("axis", -1) != -1)
      return 0;
    const NodeId last = readers_.of(graph_.node(softmax).outputs[0]);
    if (last == kNoNode || !graph_.node(last).is("MatMul") ||
        graph_.node(last).inputs[0] != graph_.node(softmax).outputs[0])
      return 0;
    std::vector<NodeId> between{softmax};
    ValueId scores = graph_.node(softmax).inputs[0], mask = kNoValue, factor = kNoValue;
    bool divides = false;
    NodeId made = lone_producer(scores);
    if (made != kNoNode && graph_.node(made).is("Add")) {
      between.push_back(made);
      const auto& inputs = graph_.node(made).inputs;
      const bool first = leads_to_product(inputs[0]);
      scores = inputs[first ? 0 : 1];
      mask = inputs[first ? 1 : 0];
      made = lone_producer(scores);
    }
    if (made != kNoNode && (graph_.node(made).is("Mul") || graph_.node(made).is("Div"))) {
      between.push_back(made);
      const auto& inputs = graph_.node(made).inputs;
      divides = graph_.node(made).is("Div");
      const bool first = !divides && is_number(inputs[0]);
      factor = inputs[first ? 0 : 1];
      scores = inputs[first ? 1 : 0];
      if (!is_number(factor)) return 0;
      made = lone_producer(scores);
    }
    if (made == kNoNode || !graph_.node(made).is("MatMul") || mask == scores) return 0;
    const auto q = operand(graph_.node(made).inputs[0], true),
               k = operand(graph_.node(made).inputs[1], false),
               v = operand(graph_.node(last).inputs[1], false);
    if (!q || !k || !v) return 0;
    if (factor == kNoValue && !is_float(q->value) && !is_float(k->value)) return 0;
    between.push_back(made);
    return replace(last, between, {*q, *k, *v}, {factor, mask}, divides);
  }

  int replace(NodeId last, const std::vector<NodeId>& between, const std::vector<Operand>& operands,
              const std::vector<ValueId>& parameters, bool divides) {
    int gone = static_cast<int>(between.size());
    Node node;
    node.name = graph_.node(last).name;
    node.domain = "q8";
    node.op_type = "AttentionByHeads";
    node.outputs = graph_.node(last).outputs;
    constexpr const char* kOrders[] = {"order_q", "order_k", "order_v"};
    for (std::size_t i = 0; i < operands.size(); ++i) {
      node.inputs.push_back(operands[i].value);
      if (operands[i].transpose == kNoNode) continue;
      node.attributes.set(kOrders[i], operands[i].order);
      graph_.remove_node(operands[i].transpose);
      ++gone;
    }
    node.inputs.insert(node.inputs.end(), parameters.begin(), parameters.end());
    if (divides) node.attributes.set("divides", std::int64_t{1});
    gone += take_order_of_result(node);
    for (const NodeId id : between) graph_.remove_node(id);
    graph_.node(last) = std::move(node);
    return gone;
  }

  // A Transpose behind the result, also behind its QuantizeLinear with one scale.
  int take_order_of_result(Node& node) {
    NodeId reader = readers_.of(node.outputs[0]), quantize = kNoNode;
    if (reader != kNoNode && graph_.node(reader).is("QuantizeLinear") &&
        is_number(graph_.node(reader).input(1))) {
      quantize = reader;
      reader = readers_.of(graph_.node(quantize).outputs[0]);
    }
    const auto order = reader == kNoNode ? std::nullopt : order_of(graph_.node(reader), true);
    if (!order) return 0;
    node.attributes.set("order_y", *order);
    if (quantize == kNoNode)
      node.outputs = graph_.node(reader).outputs;
    else
      graph_.node(quantize).outputs = graph_.node(reader).outputs;
    graph_.remove_node(reader);
    return 1;
  }

  // The node that makes a value for one reader.
  NodeId lone_producer(ValueId value) const {
    return value == kNoValue || readers_.of(value) == kNoNode ? kNoNode : readers_.producer(value);
  }

  // Which operand of an Add are the scores.
  bool leads_to_product(ValueId value) const {
    NodeId id = lone_producer(value);
    if (id == kNoNode) return false;
    const Node& node = graph_.node(id);
    if (node.is("MatMul")) return true;
    if (!node.is("Mul") && !node.is("Div")) return false;
    return std::ranges::any_of(node.inputs, [&](ValueId input) {
      const NodeId product = lone_producer(input);
      return product != kNoNode && graph_.node(product).is("MatMul");
    });
  }

  // The order of a Transpose that says it; `keeps_last`: that leaves the last axis where it is.
  static std::optional<std::vector<std::int64_t>> order_of(const Node& node, bool keeps_last) {
    if (!node.is("Transpose") || !node.attributes.has("perm")) return std::nullopt;
    auto order = node.attributes.get_ints("perm");
    const auto last = static_cast<std::int64_t>(order.size()) - 1;
    if (last < 1 || (keeps_last && order.back() != last)) return std::nullopt;
    return order;
  }

  // Nothing for what may be a vector, or a constant, which products pack beforehand.
  std::optional<Operand> operand(ValueId value, bool keeps_last) const {
    if (graph_.constant(value) != nullptr) return std::nullopt;
    if (const NodeId id = lone_producer(value); id != kNoNode)
      if (auto order = order_of(graph_.node(id), keeps_last))
        return Operand{graph_.node(id).inputs[0], id, std::move(*order)};
    if (!has_matrices(value)) return std::nullopt;
    return Operand{.value = value};
  }

  bool has_matrices(ValueId value) const {
    if (const auto& dims = graph_.value(value).type.dims) return dims->size() >= 2;
    const NodeId id = readers_.producer(value);
    return id != kNoNode && graph_.node(id).is("Transpose") &&
           graph_.node(id).attributes.get_ints("perm").size() >= 2;
  }

  bool is_number(ValueId id) const { return float_number(graph_, id) != nullptr; }

  // As far as that can be seen here: declared, or of the same type as a constant that it is made
  // with.
  bool is_float(ValueId value) const {
    if (const Tensor* constant = graph_.constant(value)) return constant->dtype() == DType::kF32;
    if (const auto& dtype = graph_.value(value).type.dtype) return *dtype == DType::kF32;
    const NodeId id = readers_.producer(value);
    if (id == kNoNode) return false;
    const Node& node = graph_.node(id);
    if (node.domain == "q8" && node.op_type == "MatMulFromBytes") return true;
    if (node.is("DequantizeLinear")) return is_number(node.inputs[1]);
    if (node.is("Reshape") || node.is("Transpose")) return is_float(node.inputs[0]);
    if (!node.is("MatMul") && !node.is("Add") && !node.is("Mul")) return false;
    const bool first_is_constant = graph_.constant(node.inputs[0]) != nullptr;
    const bool any_is_constant = first_is_constant || graph_.constant(node.inputs[1]) != nullptr;
    return is_float(node.inputs[first_is_constant || !any_is_constant ? 0 : 1]);
  }

  Graph& graph_;
  const std::vector<ValueId>& keep_;
  const LoneReaders readers_;
};

}  // namespace

int fuse_attention(Graph& graph, const std::vector<ValueId>& keep) {
  return AttentionFuser(graph, keep).run();
}

}  // namespace q8
