#include "exec/lowering/qdq_hoist.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "exec/lowering/qdq_group.h"
#include "ops/ops.h"

namespace q8 {
namespace {

class Hoister {
 public:
  Hoister(Graph& graph, const std::vector<ValueId>& keep) : graph_(graph), keep_(keep) {}

  // From the last node to the first, as often as there is something to move.
  int run() {
    int moved = 0;
    for (int now = pass(); now > 0; now = pass()) moved += now;
    copy_functions();
    return moved;
  }

 private:
  struct Quantizer {
    ValueId scale, zero_point;
    ByteParams params;
  };

  bool is_kept(ValueId id) const {
    return graph_.is_output(id) || std::ranges::find(keep_, id) != keep_.end();
  }

  QuantRole role(const Node& node) const {
    const OpRow* row = find_operator(node.domain, node.op_type);
    return row == nullptr ? QuantRole::kFloat : row->role;
  }

  // Per tensor, to bytes.
  std::optional<Quantizer> quantizer(const Node& node) const {
    const auto params = node.is("QuantizeLinear") ? byte_params(graph_, node) : std::nullopt;
    if (!params) return std::nullopt;
    return Quantizer{node.input(1), node.input(2), *params};
  }

  // How many of the node's inputs hold the values that its one output is made of; 0: not such a
  // node.
  std::size_t moved_inputs(const Node& node) const {
    if (!node.domain.empty() || node.outputs.size() != 1) return 0;
    if (node.is("Concat")) return node.inputs.size();
    if (node.is("MaxPool")) return 1;
    return node.is("Resize") && only_moves(node) ? 1 : 0;
  }

  bool is_quantized_as(const QdqView& view, ValueId value, const ByteParams& params) const {
    const auto source = view.quantized(value);
    return source && byte_params(graph_, *source) == params;
  }

  bool may_be_quantized(const Uses& uses, ValueId value) const {
    const NodeId producer = uses.producer(value);
    if (producer == kNoNode || graph_.constant(value) != nullptr) return false;
    const QuantRole part = role(graph_.node(producer));
    return part != QuantRole::kWeighted && part != QuantRole::kPool;
  }

  int pass() {
    const QdqView view(graph_, keep_);
    const Uses uses(graph_);
    int moved = 0;
    for (NodeId id = 0, count = graph_.node_count(); id < count; ++id) {
      const auto q = quantizer(graph_.node(id));
      if (!q) continue;
      const ValueId value = graph_.node(id).inputs[0];
      const NodeId mover = uses.producer(value);
      if (mover == kNoNode || uses.only_consumer(value) != id || is_kept(value)) continue;
      const std::size_t inputs = moved_inputs(graph_.node(mover));
      std::size_t quantized = 0, open = 0;
      for (std::size_t i = 0; i < inputs; ++i) {
        const ValueId input = graph_.node(mover).inputs[i];
        quantized += view.quantized(input).has_value();
        open += may_be_quantized(uses, input);
      }
      // Where all are quantized already, whatever their scales, integer operators take over.
      if (quantized == inputs || open < inputs) continue;
      for (std::size_t i = 0; i < inputs; ++i) {
        const ValueId input = graph_.node(mover).inputs[i];
        if (!is_quantized_as(view, input, q->params))
          graph_.node(mover).inputs[i] = through_bytes(input, *q);
      }
      ++moved;
    }
    graph_.tidy(keep_);
    pairs_.clear();  // node numbers change, and the next pass looks afresh
    return moved;
  }

  // The value behind a QuantizeLinear and a DequantizeLinear of its own.
  ValueId through_bytes(ValueId value, const Quantizer& q) {
    const auto [pair, is_new] =
        pairs_.try_emplace({value, q.params.scale, q.params.zero_point, q.params.dtype}, kNoValue);
    if (!is_new) return pair->second;
    const std::string name = graph_.value(value).name;
    const ValueId bytes = graph_.add_value(name + "_bytes"),
                  real = graph_.add_value(name + "_of_bytes");
    graph_.value(bytes).type.dtype = q.params.dtype;
    add_node("QuantizeLinear", {value, q.scale, q.zero_point}, bytes);
    add_node("DequantizeLinear", {bytes, q.scale, q.zero_point}, real);
    return pair->second = real;
  }

  void add_node(const char* type, std::vector<ValueId> inputs, ValueId output) {
    Node node;
    node.op_type = type;
    node.inputs = std::move(inputs);
    append(std::move(node), output);
  }

  // Nobody but a reader of messages needs the name of such a node: no look-up.
  void append(Node node, ValueId output) {
    node.name = graph_.value(output).name;
    node.outputs = {output};
    graph_.append_node(std::move(node));
  }

  void copy_functions() {
    const QdqView view(graph_, keep_);
    const Uses uses(graph_);
    for (NodeId id = 0, count = graph_.node_count(); id < count; ++id) {
      const Node node = graph_.node(id);
      const QuantRole part = role(node);
      if (part != QuantRole::kPointwise && part != QuantRole::kBounded) continue;
      if (node.outputs.size() != 1 || !view.quantized(node.input(0))) continue;
      const auto& readers = uses.consumers(node.outputs[0]);
      if (readers.size() < 2) continue;
      for (const NodeId reader : readers) {
        if (!quantizer(graph_.node(reader))) continue;
        Node copy = node;
        const ValueId own = graph_.add_value(graph_.value(node.outputs[0]).name + "_again");
        graph_.node(reader).inputs[0] = own;
        append(std::move(copy), own);
      }
    }
    graph_.tidy(keep_);
  }

  using PairKey = std::tuple<ValueId, float, std::int32_t, DType>;

  Graph& graph_;
  const std::vector<ValueId>& keep_;
  std::map<PairKey, ValueId> pairs_;
};

}  // namespace

int hoist_quantize(Graph& graph, const std::vector<ValueId>& keep) {
  return Hoister(graph, keep).run();
}

}  // namespace q8
