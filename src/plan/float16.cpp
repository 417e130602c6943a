#include "plan/float16.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "plan/coverage.h"

namespace q8 {
namespace {

// Values of the samples that were seen may be passed by others: half of float16's 65504.
constexpr double kLargest = 32752;
// Below float16's smallest normal number (6.1e-5) precision is lost; a tensor whose largest value
// is this small has its bulk there.
constexpr double kSmallestReach = 1.0 / 1024;
constexpr double kSmallestNormal = 6.103515625e-5;

struct Float16Row {
  std::string_view op_type;
  unsigned inputs;  // bit i: input i is float
};
constexpr unsigned kAll = ~0u, kFirst = 1;

// Operators whose float inputs and outputs have one type, float16 among them (ONNX operator
// specification, opsets 13 to 21), and that do not add up more than float16 bears.
constexpr Float16Row kRows[] = {
    {"Abs", kAll},
    {"Add", kAll},
    {"AveragePool", kAll},
    {"BatchNormalization", kAll},
    {"Clip", kAll},
    {"Concat", kAll},
    {"Conv", kAll},
    {"ConvTranspose", kAll},
    {"DepthToSpace", kAll},
    {"Div", kAll},
    {"Elu", kAll},
    {"Erf", kAll},
    {"Exp", kAll},
    {"Expand", kFirst},
    {"Flatten", kAll},
    {"Gather", kFirst},
    {"Gelu", kAll},
    {"Gemm", kAll},
    {"GlobalAveragePool", kAll},
    {"GlobalMaxPool", kAll},
    {"HardSigmoid", kAll},
    {"HardSwish", kAll},
    {"InstanceNormalization", kAll},
    {"LayerNormalization", kAll},
    {"LeakyRelu", kAll},
    {"Log", kAll},
    {"LogSoftmax", kAll},
    {"MatMul", kAll},
    {"Max", kAll},
    {"MaxPool", kAll},
    {"Mean", kAll},
    {"Min", kAll},
    {"Mish", kAll},
    {"Mul", kAll},
    {"Neg", kAll},
    {"PRelu", kAll},
    {"Pad", 0b101},
    {"Pow", kAll},
    {"Reciprocal", kAll},
    {"ReduceMax", kFirst},
    {"ReduceMin", kFirst},
    {"Relu", kAll},
    {"Reshape", kFirst},
    {"Resize", kFirst},
    {"Selu", kAll},
    {"Sigmoid", kAll},
    {"Slice", kFirst},
    {"Softmax", kAll},
    {"Softplus", kAll},
    {"Softsign", kAll},
    {"SpaceToDepth", kAll},
    {"Split", kFirst},
    {"Sqrt", kAll},
    {"Squeeze", kFirst},
    {"Sub", kAll},
    {"Sum", kAll},
    {"Tanh", kAll},
    {"ThresholdedRelu", kAll},
    {"Tile", kFirst},
    {"Transpose", kAll},
    {"Unsqueeze", kFirst},
    {"Where", 0b110},
};

const Float16Row* find_row(const Node& node) {
  if (!node.domain.empty()) return nullptr;
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const Float16Row& r) { return r.op_type == node.op_type; });
  return row == std::end(kRows) ? nullptr : row;
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

// Empty where float16 holds the constant. A few numbers (an epsilon, a mask) must keep their value;
// among many weights those near zero may lose precision.
std::string constant_reason(const Tensor& constant) {
  constexpr std::int64_t kFew = 16;
  for (const float v : constant.to_floats()) {
    const double magnitude = std::abs(static_cast<double>(v));
    const bool vanishes = constant.size() <= kFew && magnitude > 0 && magnitude < kSmallestNormal;
    if (!(magnitude <= kLargest) || vanishes)
      return "it reads the constant " + number(static_cast<double>(v));
  }
  return "";
}

// What calibration saw of a value, or of one that has its numbers where it did not look at this
// one: what an operator moved, or what a clamp made of it. (An infinity before the clamp does no
// harm.)
const TensorStatistics* statistics_of(const Graph& graph, const Uses& uses, const Ranges& ranges,
                                      ValueId id) {
  const TensorStatistics* seen = ranges.statistics(id);
  if (seen != nullptr) return seen;
  const NodeId reader = uses.only_consumer(id), producer = uses.producer(id);
  if (reader != kNoNode && quant_role(graph, graph.node(reader)) == QuantRole::kClamp)
    return ranges.statistics(graph.node(reader).outputs[0]);
  if (producer != kNoNode && quant_role(graph, graph.node(producer)) == QuantRole::kMoves)
    return statistics_of(graph, uses, ranges, graph.node(producer).inputs[0]);
  return nullptr;
}

std::string value_reason(const Graph& graph, const Uses& uses, const Ranges& ranges, ValueId id) {
  if (const Tensor* constant = graph.constant(id))
    return constant->dtype() == DType::kF32 ? constant_reason(*constant) : "it reads no float";
  const std::string name = "'" + graph.value(id).name + "'";
  const TensorStatistics* seen = statistics_of(graph, uses, ranges, id);
  if (seen == nullptr) return "the range of " + name + " is not known";
  const Range range = seen->extrema.range();
  const double reach = std::max(std::abs(range.low), std::abs(range.high));
  if (reach > kLargest) return name + " reaches " + number(reach);
  if (reach > 0 && reach < kSmallestReach) return name + " stays within " + number(reach);
  return "";
}

// Values that only say something about others: sums and means, and what is computed of nothing but
// them. A variance is a small difference of such numbers; they are few, and stay in float32.
std::vector<bool> find_statistics(const Graph& graph) {
  constexpr std::string_view kSums[] = {"ReduceSum",  "ReduceMean",      "ReduceSumSquare",
                                        "ReduceL1",   "ReduceL2",        "ReduceLogSum",
                                        "ReduceProd", "ReduceLogSumExp", "CumSum"};
  constexpr std::string_view kComputed[] = {
      "Abs", "Add", "Clip", "Div",     "Exp",        "Expand", "Log",     "Max", "Min",
      "Mul", "Neg", "Pow",  "Reshape", "Reciprocal", "Sqrt",   "Squeeze", "Sub", "Unsqueeze"};
  const auto is_one_of = [](const Node& node, const auto& types) {
    return node.domain.empty() &&
           std::find(std::begin(types), std::end(types), node.op_type) != std::end(types);
  };
  std::vector<bool> is_statistic(graph.values().size(), false);
  for (const Node& node : graph.nodes()) {  // in topological order
    bool all = is_one_of(node, kComputed), any = false;
    for (std::size_t i = 0; all && i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue || graph.constant(id) != nullptr || !takes_float16(node, i)) continue;
      any = true;
      all = is_statistic[static_cast<std::size_t>(id)];
    }
    if (!(all && any) && !is_one_of(node, kSums)) continue;
    for (const ValueId output : node.outputs)
      if (output != kNoValue) is_statistic[static_cast<std::size_t>(output)] = true;
  }
  return is_statistic;
}

std::string refusal(const Graph& graph, const Uses& uses, const Ranges& ranges, const Node& node) {
  if (!has_float16_form(node)) return node.op_type + " is left in it";
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue || !takes_float16(node, i)) continue;
    if (std::string why = value_reason(graph, uses, ranges, node.inputs[i]); !why.empty())
      return why;
  }
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    if (std::string why = value_reason(graph, uses, ranges, output); !why.empty()) return why;
  }
  return "";
}

// Whether the node computes in float by the plan, and not as a part of an integer one.
bool computes_in_float(const Graph& graph, const Node& node, const NodePlan& plan) {
  if (plan.mode == NodeMode::kFloat) return true;
  return plan.mode == NodeMode::kWeightOnly && quant_role(graph, node) == QuantRole::kWeighted;
}

}  // namespace

bool has_float16_form(const Node& node) {
  const bool has_indices = node.is("MaxPool") && node.outputs.size() > 1;
  const bool has_statistics = node.is("LayerNormalization") && node.outputs.size() > 1;
  return find_row(node) != nullptr && !has_indices && !has_statistics;
}

bool takes_float16(const Node& node, std::size_t i) {
  const Float16Row* row = find_row(node);
  return row != nullptr && i < 32 ? (row->inputs >> i & 1u) != 0
                                  : row != nullptr && row->inputs == kAll;
}

void plan_float16(const Graph& graph, const Ranges& ranges, std::span<NodePlan> rows) {
  const Uses uses(graph);
  const std::vector<bool> is_statistic = find_statistics(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    NodePlan& row = rows[static_cast<std::size_t>(id)];
    if (!computes_in_float(graph, node, row)) continue;
    std::string why = refusal(graph, uses, ranges, node);
    const ValueId made = node.outputs.empty() ? kNoValue : node.outputs[0];
    if (why.empty() && made != kNoValue && is_statistic[static_cast<std::size_t>(made)])
      why = "it computes with sums alone";
    row.float16 = why.empty();
    if (!why.empty()) row.reason += "; in float32: " + why;
  }
}

}  // namespace q8
