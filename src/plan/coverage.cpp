#include "plan/coverage.h"

#include <algorithm>

#include "graph/bodies.h"
#include "plan/value_functions.h"

namespace q8 {
namespace {

std::size_t at(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

// Why a recurrent node whose weights are constant cannot quantize its input while it runs.
std::string recurrent_refusal(const Node& node) {
  if (node.is("LSTM")) return "this form of LSTM has no dynamic one";
  return "no runtime has a dynamic " + node.op_type;
}

class Decision {
 public:
  Decision(const Graph& graph, const CoverageRequest& request)
      : graph_(graph),
        request_(request),
        uses_(graph),
        functions_(graph),
        roles_(graph.nodes().size()),
        native_(graph.values().size(), false) {
    result_.modes.assign(graph.nodes().size(), NodeMode::kFloat);
    result_.reasons.resize(graph.nodes().size());
    for (NodeId id = 0; id < graph.node_count(); ++id) {
      result_.is_function.push_back(functions_.argument(id) != kNoValue);
      roles_[at(id)] = is_function(id) ? QuantRole::kPointwise : quant_role(graph, graph.node(id));
    }
  }

  Coverage decide() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) take_candidate(id);
    if (!request_.weights_only) {
      leave_small_final_layers();
      for (bool changed = true; changed;) changed = drop_unfit();
    }
    collect_values();
    return std::move(result_);
  }

 private:
  bool integer(NodeId id) const { return result_.modes[at(id)] == NodeMode::kInteger; }
  bool is_function(NodeId id) const { return result_.is_function[at(id)]; }
  bool absorbed(NodeId id) const { return result_.modes[at(id)] == NodeMode::kAbsorbed; }
  void set(NodeId id, NodeMode mode, std::string reason) {
    result_.modes[at(id)] = mode;
    result_.reasons[at(id)] = std::move(reason);
  }

  bool wants_dynamic(NodeId id) const {
    return request_.dynamic || (!request_.dynamic_nodes.empty() && request_.dynamic_nodes[at(id)]);
  }
  void take_candidate(NodeId id);
  void take_weighted(NodeId id);
  void leave_small_final_layers();
  bool only_reaches_outputs(NodeId id) const;
  bool drop_unfit();
  std::string unfit_reason(NodeId id) const;
  ValueId stored_output(NodeId id) const;
  NodeId clamp_after(NodeId id) const;
  void absorb_clamps();
  void mark_native();
  std::vector<ValueId> data_values(NodeId id) const;
  bool must_quantize_output(NodeId product) const;
  bool is_native_output(NodeId id, ValueId stored) const;
  bool is_float_product(ValueId value) const;
  bool may_round_before(NodeId id) const;
  bool is_integer_reader(NodeId reader, ValueId id) const;
  bool all_readers_integer(ValueId id) const;
  bool any_reader_integer(ValueId id) const;
  void collect_values();

  const Graph& graph_;
  const CoverageRequest& request_;
  Uses uses_;
  ValueFunctions functions_;
  std::vector<QuantRole> roles_;
  std::vector<bool> native_;  // by ValueId: whoever makes it can make it quantized
  Coverage result_;
};

void Decision::take_weighted(NodeId id) {
  const Node& node = graph_.node(id);
  const bool has_weights = weight_input(graph_, node) >= 0;
  const auto keep_float = [&](const std::string& why) {
    set(id, has_weights ? NodeMode::kWeightOnly : NodeMode::kFloat, why);
  };
  if (const std::string& why = request_.kept_float[at(id)]; !why.empty()) return keep_float(why);
  if (wants_dynamic(id) && can_be_dynamic(graph_, node))
    return set(id, NodeMode::kDynamic, "constant weights");
  if (request_.dynamic && has_weights) return keep_float(node.op_type + " has no dynamic form");
  if (request_.weights_only) return keep_float("only weights are quantized");
  if (!has_weights && !node.is("MatMul")) return keep_float("its weights are not constant");
  if (const std::string why = has_weights ? "" : activations_reason(request_.target); !why.empty())
    return keep_float(why);
  if (node.is("ConvTranspose") && !request_.target.integer_conv_transpose)
    return keep_float("the target has no integer ConvTranspose");
  if (has_small_groups(graph_, node, request_.target))
    return keep_float("the target is faster in float with groups of few channels");
  if (node.is("Gemm") &&
      (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1 ||
       node.attributes.get_int("transA", 0) != 0))
    return keep_float("Gemm with alpha, beta or transA has no integer form");
  for (const std::size_t i : data_inputs(graph_, node)) {
    const std::string why = request_.float_reason(node.inputs[i]);
    if (!why.empty())
      return keep_float("its input '" + graph_.value(node.inputs[i]).name +
                        "' stays float: " + why);
  }
  if (const std::string why = request_.float_reason(stored_output(id));
      !why.empty() && node.is("Conv") && request_.target.integer_conv_needs_output)
    return keep_float("its output stays float: " + why);
  set(id, NodeMode::kInteger, has_weights ? "constant weights" : "product of two activations");
}

void Decision::take_candidate(NodeId id) {
  const Node& node = graph_.node(id);
  if (request_.excluded[at(id)]) return set(id, NodeMode::kFloat, "excluded by name");
  const QuantRole role = roles_[at(id)];
  if (role == QuantRole::kWeighted) return take_weighted(id);
  if (const std::string& why = request_.kept_float[at(id)]; !why.empty())
    return set(id, NodeMode::kFloat, why);
  if ((node.is("LSTM") || node.is("GRU") || node.is("RNN")) &&
      graph_.constant(node.input(1)) != nullptr) {
    if (wants_dynamic(id) && can_be_dynamic(graph_, node))
      return set(id, NodeMode::kDynamic, "constant weights");
    const std::string why =
        wants_dynamic(id) ? recurrent_refusal(node) : std::string("its state stays float");
    if (!request_.target.quantized_recurrent_weights)
      return set(id, NodeMode::kFloat, why + ", and the target takes recurrent weights in float");
    return set(id, NodeMode::kWeightOnly, why + ", its weights are s8");
  }
  if (has_body(node))
    return set(id, NodeMode::kFloat, "the nodes of its bodies have rows of their own");
  if (node.is("Gather") && graph_.constant(node.input(0)) != nullptr &&
      graph_.constant(node.input(0))->dtype() == DType::kF32)
    return set(id, NodeMode::kWeightOnly, "a table: its rows are stored as s8");
  if (request_.weights_only)
    return set(id, NodeMode::kFloat,
               request_.dynamic ? "computed in float: " + node.op_type
                                : std::string("only weights are quantized"));
  if (functions_.is_inside(id))
    return set(id, NodeMode::kFloat, "inside a function of one value, whose result alone counts");
  const bool optional = role == QuantRole::kMoves || role == QuantRole::kConcat ||
                        role == QuantRole::kPool || role == QuantRole::kArithmetic ||
                        is_function(id);
  if (!optional) return set(id, NodeMode::kFloat, "computed in float: " + node.op_type);
  // A sum is stored behind its clamp, and calibration does not look at it before.
  const bool is_clamped = clamp_after(id) != kNoNode;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    const std::string why = request_.float_reason(is_clamped ? stored_output(id) : output);
    if (!why.empty()) return set(id, NodeMode::kFloat, "its result stays float: " + why);
  }
  set(id, NodeMode::kInteger, "between quantized values");
}

// Whether nothing integer follows: the node makes the logits, boxes or pixels.
bool Decision::only_reaches_outputs(NodeId id) const {
  std::vector<NodeId> open{id};
  std::vector<bool> seen(graph_.nodes().size(), false);
  while (!open.empty()) {
    const NodeId at_node = open.back();
    open.pop_back();
    for (const ValueId value : graph_.node(at_node).outputs) {
      if (value == kNoValue) continue;
      for (const NodeId reader : uses_.consumers(value)) {
        if (roles_[at(reader)] == QuantRole::kWeighted) return false;
        if (!seen[at(reader)]) open.push_back(reader);
        seen[at(reader)] = true;
      }
    }
  }
  return true;
}

// A Conv that makes the model's results would round them to 256 levels (tied classes, coarse
// boxes). Where such layers are a small part of the work, they compute in float; their weights are
// stored as s8 all the same. Gemm and MatMul have float results anyway.
void Decision::leave_small_final_layers() {
  if (!request_.target.integer_conv_needs_output || request_.target.quantized_outputs) return;
  constexpr double kSmallShare = 0.10;  // of all multiply-adds, together
  double total = 0;
  std::vector<std::pair<double, NodeId>> finals;
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    if (roles_[at(id)] != QuantRole::kWeighted) continue;
    const double work =
        multiply_adds(graph_, graph_.node(id), request_.elements(stored_output(id)));
    total += work;
    if (graph_.node(id).is("Conv") && integer(id) && only_reaches_outputs(id))
      finals.emplace_back(work, id);
  }
  std::sort(finals.begin(), finals.end());
  double spent = 0;
  for (const auto& [work, id] : finals) {
    spent += work;
    if (!(spent <= kSmallShare * total)) break;
    set(id, NodeMode::kWeightOnly, "makes results of the model: they keep float precision");
  }
}

// What the node computes with: of a function in several nodes, its argument.
std::vector<ValueId> Decision::data_values(NodeId id) const {
  if (is_function(id)) return {functions_.argument(id)};
  std::vector<ValueId> values;
  for (const std::size_t i : data_inputs(graph_, graph_.node(id)))
    values.push_back(graph_.node(id).inputs[i]);
  return values;
}

// An integer node, or one inside a function that is one.
bool Decision::is_integer_reader(NodeId reader, ValueId id) const {
  if (functions_.is_inside(reader)) {
    const ValueId made = graph_.node(reader).outputs[0];
    const auto& readers = uses_.consumers(made);
    return std::ranges::all_of(readers, [&](NodeId next) {
      return functions_.is_inside(next) ? is_integer_reader(next, made) : integer(next);
    });
  }
  return integer(reader) && std::ranges::count(data_values(reader), id) > 0;
}

bool Decision::any_reader_integer(ValueId id) const {
  return std::ranges::any_of(uses_.consumers(id),
                             [&](NodeId reader) { return is_integer_reader(reader, id); });
}

bool Decision::all_readers_integer(ValueId id) const {
  const auto& readers = uses_.consumers(id);
  return !readers.empty() && !graph_.is_output(id) &&
         std::ranges::all_of(readers, [&](NodeId reader) { return is_integer_reader(reader, id); });
}

// The clamp that alone reads a computing node's result, or kNoNode.
NodeId Decision::clamp_after(NodeId id) const {
  const QuantRole role = roles_[at(id)];
  if (role != QuantRole::kWeighted && role != QuantRole::kArithmetic) return kNoNode;
  const NodeId reader = uses_.only_consumer(graph_.node(id).outputs[0]);
  if (reader == kNoNode || roles_[at(reader)] != QuantRole::kClamp) return kNoNode;
  if (graph_.node(reader).input(0) != graph_.node(id).outputs[0]) return kNoNode;
  if (request_.excluded[at(reader)]) return kNoNode;
  if (!request_.float_reason(graph_.node(reader).outputs[0]).empty()) return kNoNode;
  return reader;
}

// The value that stands for the node's result in quantized form: behind its clamp, if it has one.
ValueId Decision::stored_output(NodeId id) const {
  const NodeId clamp = clamp_after(id);
  return graph_.node(clamp == kNoNode ? id : clamp).outputs[0];
}

bool Decision::must_quantize_output(NodeId product) const {
  return request_.target.quantized_outputs ||
         (graph_.node(product).is("Conv") && request_.target.integer_conv_needs_output);
}

bool Decision::is_native_output(NodeId id, ValueId stored) const {
  if (roles_[at(id)] != QuantRole::kWeighted) return true;
  if (must_quantize_output(id)) return request_.float_reason(stored).empty();
  return request_.float_reason(stored).empty() && all_readers_integer(stored);
}

void Decision::mark_native() {
  std::fill(native_.begin(), native_.end(), false);
  for (const ValueId input : graph_.inputs())
    native_[at(input)] = request_.float_reason(input).empty();
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    if (!integer(id)) continue;
    const ValueId stored = stored_output(id);
    if (clamp_after(id) != kNoNode || roles_[at(id)] == QuantRole::kWeighted) {
      native_[at(stored)] = is_native_output(id, stored);
      continue;
    }
    for (const ValueId value : graph_.node(id).outputs)
      if (value != kNoValue) native_[at(value)] = true;
  }
}

// Whether the value, or what was moved to make it, is the sum of a product that need not be
// quantized: rounding it only for a function that follows would cost accuracy.
bool Decision::is_float_product(ValueId value) const {
  NodeId maker = uses_.producer(value);
  while (maker != kNoNode && roles_[at(maker)] == QuantRole::kMoves)
    maker = uses_.producer(graph_.node(maker).inputs[0]);
  return maker != kNoNode && roles_[at(maker)] == QuantRole::kWeighted &&
         !must_quantize_output(maker);
}

// Whether a node that only moves values may move them rounded, though floats come in: all that it
// makes is rounded behind it anyway, to the same integers, and those are not fewer.
bool Decision::may_round_before(NodeId id) const {
  const Node& node = graph_.node(id);
  const QuantRole role = roles_[at(id)];
  if (role != QuantRole::kMoves && role != QuantRole::kConcat) return false;
  const std::vector<ValueId> values = data_values(id);
  if (role == QuantRole::kConcat && values.size() < node.inputs.size()) return false;
  double in = 0, out = 0;
  for (const ValueId value : values) {
    if (!request_.float_reason(value).empty()) return false;
    in += request_.elements(value);
  }
  for (const ValueId value : node.outputs) {
    if (value == kNoValue) continue;
    if (!all_readers_integer(value)) return false;
    out += request_.elements(value);
  }
  return in <= out;
}

// Empty where an optional integer node may stay one.
std::string Decision::unfit_reason(NodeId id) const {
  const Node& node = graph_.node(id);
  const bool rounds_before = may_round_before(id);
  for (const ValueId value : data_values(id))
    if (!native_[at(value)] && !rounds_before)
      return "its input '" + graph_.value(value).name + "' is computed in float";
  const QuantRole role = roles_[at(id)];
  if (is_function(id) && is_float_product(functions_.argument(id)))
    return "what it is a function of is better in float";
  if (role == QuantRole::kArithmetic && !request_.target.integer_adds)
    return "the target adds in float";
  if (request_.target.quantized_outputs) return "";
  if (role == QuantRole::kMoves || role == QuantRole::kConcat) {
    for (const ValueId value : node.outputs)
      if (value != kNoValue && any_reader_integer(value)) return "";
    return "no integer node reads its result";
  }
  const ValueId stored = stored_output(id);
  return all_readers_integer(stored) ? "" : "float nodes read its result";
}

bool Decision::drop_unfit() {
  mark_native();
  bool changed = false;
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    if (!integer(id) || roles_[at(id)] == QuantRole::kWeighted) continue;
    const std::string why = unfit_reason(id);
    if (why.empty()) continue;
    set(id, NodeMode::kFloat, why);
    changed = true;
  }
  return changed;
}

void Decision::absorb_clamps() {
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    if (!integer(id)) continue;
    const NodeId clamp = clamp_after(id);
    if (clamp == kNoNode || !native_[at(graph_.node(clamp).outputs[0])]) continue;
    const bool removed = request_.target.absorbs_clamps && !request_.target.symmetric_activations;
    set(clamp, removed ? NodeMode::kAbsorbed : NodeMode::kInteger,
        "the range of " + graph_.node(id).label() + " is taken behind it");
  }
}

void Decision::collect_values() {
  result_.quantized.assign(graph_.values().size(), false);
  result_.everywhere.assign(graph_.values().size(), false);
  mark_native();
  std::vector<bool> computes(graph_.nodes().size());
  for (NodeId id = 0; id < graph_.node_count(); ++id) computes[at(id)] = integer(id);
  absorb_clamps();
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    if (!computes[at(id)]) continue;
    const Node& node = graph_.node(id);
    for (const ValueId value : data_values(id)) result_.quantized[at(value)] = true;
    const ValueId stored = stored_output(id);
    const auto make = [&](ValueId value) {
      if (value == kNoValue || !native_[at(value)]) return;
      result_.quantized[at(value)] = result_.everywhere[at(value)] = true;
    };
    if (stored != node.outputs[0])
      make(stored);
    else
      std::for_each(node.outputs.begin(), node.outputs.end(), make);
  }
  // A quantized input of the graph without float readers has no other form.
  for (const ValueId input : graph_.inputs())
    if (result_.quantized[at(input)] && all_readers_integer(input))
      result_.everywhere[at(input)] = true;
}

}  // namespace

Coverage decide_coverage(const Graph& graph, const CoverageRequest& request) {
  return Decision(graph, request).decide();
}

}  // namespace q8
