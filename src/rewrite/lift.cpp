#include "rewrite/lift.h"

#include <algorithm>
#include <map>

#include "graph/bodies.h"

namespace q8 {
namespace {

class Lifter {
 public:
  Lifter(Graph& outer, Graph& body, const QuantizationPlan& plan)
      : outer_(outer), body_(body), uses_(body), plan_(plan) {
    for (const Capture& capture : body.captures()) outside_[capture.inner] = capture.outer;
  }

  void run() {
    for (NodeId id = 0; id < body_.node_count(); ++id)
      if (is_unchanging(id)) lift(id);
    body_.tidy();
  }

 private:
  bool is_unchanging(NodeId id) const {
    const Node& node = body_.node(id);
    if (node.is("DynamicQuantizeLinear")) return outside_.contains(node.inputs[0]);
    if (!node.is("DequantizeLinear") || node.attributes.has("block_size")) return false;
    const auto is_constant = [&](ValueId input) { return body_.constant(input) != nullptr; };
    if (!std::ranges::all_of(node.inputs, is_constant)) return false;
    const auto& readers = uses_.consumers(node.outputs[0]);
    return !body_.is_output(node.outputs[0]) &&
           body_.constant(node.inputs[0])->dtype() != DType::kS32 &&
           std::ranges::all_of(readers, [&](NodeId reader) {
             const NodePlan* row = plan_.find_node(body_.node(reader).name);
             return row != nullptr && row->mode == NodeMode::kWeightOnly;
           });
  }

  void lift(NodeId id) {
    Node node = body_.node(id);
    body_.remove_node(id);
    for (ValueId& input : node.inputs) input = outer_value(input);
    for (ValueId& output : node.outputs) {
      const ValueId inner = output;
      output = outer_.add_value(body_.value(inner).name);
      body_.add_capture({.outer = output, .inner = inner});
    }
    outer_.add_node(std::move(node));
  }

  // A constant of the body, or what it reads from outside.
  ValueId outer_value(ValueId inner) {
    ValueId& outer = outside_.try_emplace(inner, kNoValue).first->second;
    if (outer == kNoValue)
      outer = outer_.add_constant(body_.value(inner).name, *body_.constant(inner));
    return outer;
  }

  Graph& outer_;
  Graph& body_;
  Uses uses_;
  const QuantizationPlan& plan_;
  std::map<ValueId, ValueId> outside_;  // by inner
};

void lift(Graph& graph, const QuantizationPlan& plan, bool in_loop) {
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    if (!has_body(graph.node(id))) continue;
    const bool repeats = in_loop || !graph.node(id).is("If");
    Node node = graph.node(id);  // a copy: lifting moves the others
    edit_bodies(node, [&](Graph& body) {
      lift(body, plan, repeats);
      if (repeats) Lifter(graph, body, plan).run();
    });
    graph.node(id) = std::move(node);
  }
  graph.tidy();
}

}  // namespace

void lift_out_of_loops(Graph& graph, const QuantizationPlan& plan) {
  lift(graph, plan, false);
}

}  // namespace q8
