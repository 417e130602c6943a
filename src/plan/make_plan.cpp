#include "plan/make_plan.h"

#include <algorithm>
#include <cstdio>

#include "graph/bodies.h"
#include "plan/check_plan.h"
#include "plan/clamps.h"
#include "plan/constants.h"
#include "plan/coverage.h"
#include "plan/float16.h"
#include "plan/patterns.h"
#include "plan/ranges.h"
#include "plan/sharing.h"

namespace q8 {
namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

// Throws usage_error for patterns that match nothing in any graph of the model.
void check_patterns(const Graph& graph, const PlanConfig& config) {
  (void)match_patterns(config.exclude, all_node_names(graph), "node");
  const std::vector<std::string> values = all_value_names(graph);
  const auto check = [&](const auto& rows) {
    for (const auto& row : rows) (void)match_patterns(std::span(&row.pattern, 1), values, "value");
  };
  check(config.observer_for);
  check(config.type_for);
  for (const std::string& pattern : config.dynamic) {
    bool any = false;
    for (const PlacedGraph& placed : with_bodies(graph))
      for (const Node& node : placed.graph->nodes())
        any = any || (matches_pattern(pattern, node.name) && can_be_dynamic(*placed.graph, node));
    if (any) continue;
    (void)match_patterns(std::span(&pattern, 1), all_node_names(graph), "node");
    throw usage_error("--dynamic '" + pattern +
                      "' matches no MatMul, Gemm, Conv or LSTM with constant weights");
  }
}

std::vector<bool> matching_nodes(const Graph& graph, const std::vector<std::string>& patterns) {
  std::vector<bool> matched;
  for (const Node& node : graph.nodes())
    matched.push_back(std::ranges::any_of(
        patterns, [&](const std::string& pattern) { return matches_pattern(pattern, node.name); }));
  return matched;
}

// The range of a value that was zero on all samples says nothing of the clamp that the integers do
// for it: they take what the clamp lets pass.
Range range_behind_clamp(const Range& range, const Range& bounds) {
  constexpr double kReach = 255;  // of a scale of 1
  if (range.low < 0 || range.high > 0) return range;
  return {std::max(bounds.low, -kReach), std::min(bounds.high, kReach)};
}

// Where the integers hold more than a clamp lets pass (they have a type or a scale that was asked
// for), the clamp stays.
void keep_clamps(const Graph& graph, const QuantizationPlan& plan, Coverage& coverage) {
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const auto i = static_cast<std::size_t>(id);
    if (coverage.modes[i] != NodeMode::kAbsorbed) continue;
    const auto bounds = clamp_bounds(graph, graph.node(id));
    const auto* made = plan.find_activation(graph.value(graph.node(id).outputs[0]).name);
    if (bounds && made != nullptr && !exceeds(made->params, *bounds)) continue;
    coverage.modes[i] = NodeMode::kInteger;
    coverage.reasons[i] = "the integers hold more than it lets pass";
  }
}

std::vector<std::string> reasons_for_float(const Graph& graph, const PlanConfig& config) {
  std::vector<std::string> reasons(graph.nodes().size());
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const auto row = std::ranges::find(config.keep_float, graph.node(id).name, &KeptFloat::node);
    if (row != config.keep_float.end()) reasons[static_cast<std::size_t>(id)] = row->reason;
  }
  return reasons;
}

void plan_activations(const Graph& graph, const Coverage& coverage, const Ranges& ranges,
                      const Target& target, QuantizationPlan& plan) {
  const std::vector<ValueId> shared = share_ranges(graph, coverage, ranges, target, plan.warnings);
  const std::map<ValueId, Range> bounds = absorbed_bounds(graph, coverage);
  // Where one of those that share asks for 16 bits, all of them have them.
  std::map<ValueId, DType> types;
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const auto i = static_cast<std::size_t>(id);
    if (!coverage.quantized[i]) continue;
    DType& type = types.try_emplace(shared[i], ranges.settings(shared[i]).dtype).first->second;
    if (dtype_size(ranges.settings(id).dtype) > dtype_size(type)) type = ranges.settings(id).dtype;
  }
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const auto i = static_cast<std::size_t>(id);
    if (!coverage.quantized[i]) continue;
    const ValueId owner = shared[i];
    const auto clamp = bounds.find(owner);
    const Range range = clamp == bounds.end()
                            ? ranges.range(owner)
                            : range_behind_clamp(ranges.range(owner), clamp->second);
    plan.activations.emplace(
        graph.value(id).name,
        ActivationPlan{.params = ranges.params(owner, range, types.at(owner)),
                       .range = range,
                       .observer = ranges.settings(owner).name,
                       .shares_with = owner == id ? "" : graph.value(owner).name,
                       .everywhere = coverage.everywhere[i]});
  }
}

// The scale of the activation that a weighted node multiplies its weights with; 0 where none.
float activation_scale(const Graph& graph, const Node& node, const QuantizationPlan& plan) {
  if (quant_role(graph, node) != QuantRole::kWeighted) return 0;
  for (const std::size_t i : data_inputs(graph, node))
    if (const auto* activation = plan.find_activation(graph.value(node.inputs[i]).name))
      return activation->params.scale[0];
  return 0;
}

// Whether a MatMul multiplies two matrices, not stacks of them. The graph need not say; but the
// profile counts the channels of what a MatMul reads along the last axis.
bool reads_matrix(const Node& matmul, const Tensor& weights, const Ranges& ranges) {
  const TensorStatistics* input = ranges.statistics(matmul.inputs[0]);
  return input != nullptr && input->channels.state == ChannelExtrema::State::kKept &&
         input->channels.axis == 1 &&
         static_cast<std::int64_t>(input->channels.channels.size()) == weights.shape()[0];
}

// ONNX Runtime joins a MatMul of matrices and the Add behind it to a Gemm, which runs in integers
// only if its bias is one.
// `rows`: the plan's of this graph.
void plan_added_biases(const Graph& graph, const Ranges& ranges, const std::vector<bool>& excluded,
                       std::span<NodePlan> rows, QuantizationPlan& plan) {
  const Uses uses(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& matmul = graph.node(id);
    if (!matmul.is("MatMul") || rows[static_cast<std::size_t>(id)].mode != NodeMode::kInteger)
      continue;
    const auto weights = plan.constants.find(std::pair(matmul.name, std::size_t{1}));
    const NodeId reader = uses.only_consumer(matmul.outputs[0]);
    if (weights == plan.constants.end() || reader == kNoNode || !graph.node(reader).is("Add") ||
        weights->second.params.is_blocked() || excluded[static_cast<std::size_t>(reader)])
      continue;
    if (!reads_matrix(matmul, *graph.constant(matmul.inputs[1]), ranges)) continue;
    NodePlan& add = rows[static_cast<std::size_t>(reader)];
    if (add.mode != NodeMode::kFloat) continue;
    auto bias =
        plan_added_bias(graph, matmul, graph.node(reader), activation_scale(graph, matmul, plan),
                        weights->second.params, plan.warnings);
    if (!bias) continue;
    plan.constants.emplace(std::pair(add.node, bias->first), std::move(bias->second));
    add.mode = NodeMode::kWeightOnly;
    add.reason = "the bias of " + matmul.label();
  }
}

// Four bits that were asked for and suit no layer are no reason to fail, but to say so.
void warn_of_no_s4(QuantizationPlan& plan) {
  for (const auto& [place, constant] : plan.constants)
    if (constant.params.dtype == DType::kS4) return;
  plan.warnings.push_back(
      "--weights s4: no product has enough inputs a channel for 4 bits, so all weights are s8");
}

// As --observer-for takes it.
std::string describe(const ObserverFor& row) {
  return row.pattern + "=" + observer_text(row.observer, row.percentile, row.clip_weight);
}

// A body that calibration never saw run has no ranges.
void warn_of_unseen(const PlacedGraph& placed, const Ranges& ranges,
                    std::vector<std::string>& warnings) {
  const Graph& graph = *placed.graph;
  bool has_weights = false;
  for (const Node& node : graph.nodes()) {
    for (const ValueId made : node.outputs)
      if (made != kNoValue && ranges.statistics(made) != nullptr) return;
    has_weights = has_weights || (quant_role(graph, node) == QuantRole::kWeighted &&
                                  weight_input(graph, node) >= 0);
  }
  if (has_weights)
    warnings.push_back("calibration never ran the " + placed.place +
                       ": what is made there stays float, with weights of 8 bits");
}

// Appends what is decided for one graph of the model.
void plan_graph(const PlacedGraph& placed, const CalibrationProfile& profile,
                const PlanConfig& config, const Target& target, RangeMemo* memo,
                QuantizationPlan& plan) {
  const Graph& graph = *placed.graph;
  const Ranges ranges(graph, profile, config, target, memo);
  const CoverageRequest request{
      .target = target,
      .weights_only = config.mode != PlanMode::kStatic,
      .dynamic = config.mode == PlanMode::kDynamic,
      .excluded = matching_nodes(graph, config.exclude),
      .dynamic_nodes = matching_nodes(graph, config.dynamic),
      .kept_float = reasons_for_float(graph, config),
      .float_reason = [&](ValueId id) { return ranges.float_reason(id); },
      .elements = [&](ValueId id) { return ranges.elements_per_sample(id); }};
  Coverage coverage = decide_coverage(graph, request);
  plan_activations(graph, coverage, ranges, target, plan);
  keep_clamps(graph, plan, coverage);
  const std::size_t first = plan.nodes.size();
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const auto i = static_cast<std::size_t>(id);
    NodeMode mode = coverage.modes[i];
    std::map<std::size_t, ConstantPlan> constants;
    if (!coverage.is_function[i])  // their numbers stay float
      constants = plan_constants(graph, node, mode, activation_scale(graph, node, plan), config,
                                 target, plan.warnings);
    if (mode == NodeMode::kWeightOnly && constants.empty()) mode = NodeMode::kFloat;
    for (auto& [input, constant] : constants)
      plan.constants.emplace(std::pair(node.name, input), std::move(constant));
    plan.nodes.push_back({.node = node.name,
                          .op_type = node.op_type,
                          .mode = mode,
                          .reason = std::move(coverage.reasons[i])});
  }
  const std::span<NodePlan> rows = std::span(plan.nodes).subspan(first);
  if (target.quantized_bias) plan_added_biases(graph, ranges, request.excluded, rows, plan);
  if (config.float16_islands) plan_float16(graph, ranges, rows);
  if (placed.place.empty()) return;
  for (NodePlan& row : rows) row.reason += "; in " + placed.place;
  if (config.mode == PlanMode::kStatic) warn_of_unseen(placed, ranges, plan.warnings);
}

}  // namespace

std::string observer_text(std::string_view observer, double percentile, double clip_weight) {
  std::string text(observer);
  if (observer == "percentile") text += ":" + number(percentile);
  if (observer == "auto") text += ":" + number(clip_weight);
  return text;
}

std::string describe(const PlanConfig& config) {
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += std::string(name) + " " + value + "\n";
  };
  constexpr const char* kModes[] = {"static", "dynamic", "weights"};
  line("mode", kModes[static_cast<std::size_t>(config.mode)]);
  line("granularity", config.per_channel ? "per-channel" : "per-tensor");
  // Of auto with its weight: what was chosen, not the order to choose.
  line("observer", config.observer == "auto"
                       ? observer_text("auto", config.percentile, config.clip_weight)
                       : config.observer);
  line("percentile", number(config.percentile));
  line("weight-observer", config.weight_observer);
  if (config.weights != "s8") line("weights", config.weights);
  if (config.block_size > 0) line("block-size", std::to_string(config.block_size));
  if (config.opset > 13) line("opset", std::to_string(config.opset));
  for (const std::string& pattern : config.exclude) line("exclude", pattern);
  for (const std::string& pattern : config.dynamic) line("dynamic", pattern);
  if (config.float16_islands) line("float16-islands", "yes");
  for (const ObserverFor& row : config.observer_of) line("observer-of", describe(row));
  for (const ObserverFor& row : config.observer_for) line("observer-for", describe(row));
  for (const TypeFor& row : config.type_for) line("type-for", row.pattern + "=" + row.type);
  return text;
}

QuantizationPlan make_plan(const Graph& graph, const CalibrationProfile& profile,
                           const PlanConfig& config, const Target& target, RangeMemo* memo) {
  check_patterns(graph, config);
  QuantizationPlan plan;
  plan.target = target.name;
  plan.settings = describe(config);
  plan.needs_output = target.integer_conv_needs_output;
  plan.opset = config.opset;
  for (const PlacedGraph& placed : with_bodies(graph))
    plan_graph(placed, profile, config, target, memo, plan);
  if (config.weights == "s4") warn_of_no_s4(plan);
  check_opset(graph, plan);
  return plan;
}

}  // namespace q8
