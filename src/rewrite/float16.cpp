#include "rewrite/float16.h"

#include <algorithm>
#include <map>
#include <set>

#include "plan/float16.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

class Islands {
 public:
  Islands(Graph& graph, const QuantizationPlan& plan) : graph_(graph), uses_(graph) {
    std::set<std::string_view> marked;
    for (const NodePlan& row : plan.nodes)
      if (row.float16) marked.insert(row.node);
    for (NodeId id = 0; id < graph.node_count(); ++id)
      if (marked.contains(graph.node(id).name) && has_float16_form(graph.node(id)))
        nodes_.insert(id);
  }

  void run() {
    for (const NodeId id : nodes_)
      for (const ValueId output : graph_.node(id).outputs)
        if (output != kNoValue) halves_[output] = half_value(output);
    for (const NodeId id : nodes_) {
      for (std::size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
        const ValueId input = graph_.node(id).inputs[i];
        if (input == kNoValue || !takes_float16(graph_.node(id), i)) continue;
        const ValueId half = half_of(input);
        graph_.node(id).inputs[i] = half;
      }
    }
    for (const NodeId id : nodes_)
      for (ValueId& output : graph_.node(id).outputs)
        if (output != kNoValue) output = give_back(output);
    for (Node& node : casts_) graph_.add_node(std::move(node));
    graph_.tidy();
  }

 private:
  ValueId half_value(ValueId of) {
    const ValueId half = graph_.add_value(graph_.value(of).name + "_float16");
    TypeInfo type = graph_.value(of).type;
    if (type.dtype) type.dtype = DType::kF16;
    graph_.value(half).type = std::move(type);
    return half;
  }

  // The value in float16: made once.
  ValueId half_of(ValueId id) {
    const auto it = halves_.find(id);
    if (it != halves_.end()) return it->second;
    if (const Tensor* constant = graph_.constant(id)) {
      Tensor half = cast(*constant, DType::kF16);
      return halves_[id] = graph_.add_constant(graph_.value(id).name + "_float16", std::move(half));
    }
    const ValueId half = half_value(id);
    add_cast(id, half, DType::kF16);
    return halves_[id] = half;
  }

  // What a marked node makes from now on; those outside read what it made, by a Cast.
  ValueId give_back(ValueId output) {
    const auto& readers = uses_.consumers(output);
    const bool is_read_outside =
        graph_.is_output(output) || std::any_of(readers.begin(), readers.end(), [&](NodeId reader) {
          return !nodes_.contains(reader) || reads_as_float(reader, output);
        });
    if (is_read_outside) add_cast(halves_.at(output), output, DType::kF32);
    return halves_.at(output);
  }

  // Whether a marked node reads the value at an input that keeps its type.
  bool reads_as_float(NodeId reader, ValueId id) const {
    const auto& inputs = graph_.node(reader).inputs;
    return std::find(inputs.begin(), inputs.end(), id) != inputs.end();
  }

  void add_cast(ValueId from, ValueId to, DType type) {
    Node node{.name = graph_.value(from).name + "_Cast",
              .domain = "",
              .op_type = "Cast",
              .inputs = {from},
              .outputs = {to},
              .attributes = {},
              .doc = ""};
    node.attributes.set("to", onnx_code(type));
    casts_.push_back(std::move(node));
  }

  Graph& graph_;
  Uses uses_;
  std::set<NodeId> nodes_;
  std::map<ValueId, ValueId> halves_;
  std::vector<Node> casts_;
};

}  // namespace

void emit_float16_islands(Graph& graph, const QuantizationPlan& plan) {
  Islands(graph, plan).run();
}

}  // namespace q8
