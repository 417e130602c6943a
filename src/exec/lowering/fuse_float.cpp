#include "exec/lowering/fuse_float.h"

#include <algorithm>
#include <limits>

#include "exec/lowering/clamp.h"
#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph),
        keep_(keep),
        readers_(graph, keep),
        place_(graph.values().size(), -1),
        rank_(graph.values().size(), 0) {
    for (NodeId id = 0; id < graph.node_count(); ++id)
      for (const ValueId output : graph.node(id).outputs)
        if (output != kNoValue) place_[static_cast<std::size_t>(output)] = id;
    find_ranks();
  }

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (is_packed_conv(graph_.node(id)) || is_packed_matmul(graph_.node(id))) gone += fuse(id);
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

  bool is_packed_matmul(const Node& node) const {
    const Tensor* right = graph_.constant(node.input(1));
    return node.is("MatMul") && right != nullptr && right->dtype() == DType::kF32 &&
           right->rank() >= 2 && right->shape().count(0, right->rank() - 2) == 1;
  }

  int fuse(NodeId id) {
    int gone = 0;
    ValueId value = graph_.node(id).outputs[0];
    ValueId bias = graph_.node(id).input(2), residual = kNoValue;
    if (const NodeId add = readers_.of(value);
        graph_.node(id).is("MatMul") && add != kNoNode && is_bias(graph_.node(add), value, id)) {
      const Node& node = graph_.node(add);
      bias = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
      value = node.outputs[0];
      graph_.remove_node(add);
      ++gone;
    }
    if (const NodeId add = readers_.of(value);
        add != kNoNode && is_residual(graph_.node(add), value, id)) {
      const Node& node = graph_.node(add);
      residual = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
      value = node.outputs[0];
      graph_.remove_node(add);
      ++gone;
    }
    std::optional<Clamp> clamp;
    std::optional<Activation> activation;
    if (const NodeId reader = readers_.of(value); reader != kNoNode) {
      clamp = clamp_of(graph_, graph_.node(reader));
      if (!clamp) activation = activation_of(graph_.node(reader));
      if (clamp || activation) {
        value = graph_.node(reader).outputs[0];
        graph_.remove_node(reader);
        ++gone;
      }
    }
    if (gone == 0) return 0;
    Node& conv = graph_.node(id);
    // Of a Conv the channels-last form; the layout pass runs after this one and turns the inputs.
    conv.domain = "q8";
    conv.outputs[0] = value;
    conv.inputs.resize(residual != kNoValue ? 4 : bias != kNoValue ? 3 : 2, kNoValue);
    if (bias != kNoValue) conv.inputs[2] = bias;
    if (residual != kNoValue) conv.inputs[3] = residual;
    if (activation) {
      conv.attributes.set("activation", activation->name);
      conv.attributes.set("activation_params", activation->parameters);
    }
    if (clamp && clamp->low > -std::numeric_limits<float>::infinity())
      conv.attributes.set("clamp_lo", clamp->low);
    if (clamp && clamp->high < std::numeric_limits<float>::infinity())
      conv.attributes.set("clamp_hi", clamp->high);
    return gone;
  }

  // An Add of the result and of a value that is made before the node runs; for a Conv, which turns
  // it, of the same rank. Whether it has the same shape is seen when it runs; where the model says
  // that it has not, the Add stays.
  bool is_residual(const Node& node, ValueId value, NodeId conv) const {
    if (!node.is("Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1])
      return false;
    const ValueId other = node.inputs[0] == value ? node.inputs[1] : node.inputs[0];
    if (!made_before(other, conv) || !may_have_shape_of(other, graph_.node(conv).outputs[0]))
      return false;
    return graph_.node(conv).is("MatMul") ||
           rank_[static_cast<std::size_t>(other)] ==
               graph_.constant(graph_.node(conv).inputs[1])->rank();
  }

  // An Add of one constant a column.
  bool is_bias(const Node& node, ValueId value, NodeId product) const {
    if (!node.is("Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1])
      return false;
    const Tensor* other =
        graph_.constant(node.inputs[0] == value ? node.inputs[1] : node.inputs[0]);
    return other != nullptr && other->dtype() == DType::kF32 && other->rank() == 1 &&
           other->size() == graph_.constant(graph_.node(product).inputs[1])->shape().back();
  }

  bool made_before(ValueId value, NodeId node) const {
    return graph_.constant(value) == nullptr && place_[static_cast<std::size_t>(value)] < node;
  }

  // No dimension is declared to differ.
  bool may_have_shape_of(ValueId a, ValueId b) const {
    const auto &x = graph_.value(a).type.dims, &y = graph_.value(b).type.dims;
    if (!x || !y) return true;
    if (x->size() != y->size()) return false;
    for (std::size_t i = 0; i < x->size(); ++i)
      if ((*x)[i] != (*y)[i] && (*x)[i] != kUnknownDim && (*y)[i] != kUnknownDim) return false;
    return true;
  }

  // As declared, or as a Conv's weights tell; from there through operators that keep the rank.
  void find_ranks() {
    for (std::size_t i = 0; i < rank_.size(); ++i)
      if (const auto& dims = graph_.values()[i].type.dims)
        rank_[i] = static_cast<std::int64_t>(dims->size());
    for (const Node& node : graph_.nodes()) {
      if (node.outputs.empty() || node.outputs[0] == kNoValue) continue;
      std::int64_t& rank = rank_[static_cast<std::size_t>(node.outputs[0])];
      if (rank != 0) continue;
      const Tensor* weights = graph_.constant(node.input(1));
      if (node.is("Conv") && weights != nullptr)
        rank = weights->rank();
      else if (node.input(0) != kNoValue && keeps_rank(node))
        rank = rank_[static_cast<std::size_t>(node.inputs[0])];
    }
  }

  bool keeps_rank(const Node& node) const {
    constexpr std::string_view kTypes[] = {"MaxPool", "AveragePool", "BatchNormalization"};
    return clamp_of(graph_, node) || activation_of(node) ||
           std::ranges::any_of(kTypes, [&](std::string_view type) { return node.is(type); }) ||
           (node.is("Add") && rank_[static_cast<std::size_t>(node.inputs[0])] ==
                                  rank_[static_cast<std::size_t>(node.inputs[1])]);
  }

  // As ops/fused_activation.h has it.
  struct Activation {
    std::string name;
    std::vector<float> parameters;
  };
  static std::optional<Activation> activation_of(const Node& node) {
    const Attributes& a = node.attributes;
    if (!node.domain.empty()) return std::nullopt;
    if (node.op_type == "LeakyRelu") return Activation{node.op_type, {a.get_float("alpha", 0.01f)}};
    if (node.op_type == "HardSigmoid")
      return Activation{node.op_type, {a.get_float("alpha", 0.2f), a.get_float("beta", 0.5f)}};
    if (node.op_type == "Gelu")
      return Activation{a.get_string("approximate", "none") == "tanh" ? "GeluTanh" : "Gelu", {}};
    const bool is_plain = node.op_type == "Swish" && a.get_float("alpha", 1) == 1;
    if (is_plain || node.op_type == "Sigmoid" || node.op_type == "Tanh" ||
        node.op_type == "HardSwish")
      return Activation{node.op_type, {}};
    return std::nullopt;
  }

  Graph& graph_;
  const std::vector<ValueId>& keep_;
  const LoneReaders readers_;
  std::vector<NodeId> place_;  // by value: the node that makes it, in the order before any change
  std::vector<std::int64_t> rank_;  // by value; 0 where it is not known
};

}  // namespace

int fuse_float(Graph& graph, const std::vector<ValueId>& keep) {
  return Fuser(graph, keep).run();
}

}  // namespace q8
