#include "exec/lowering/fuse_qdq.h"

#include <algorithm>
#include <cmath>

#include "base/rounding.h"
#include "exec/fold.h"
#include "exec/lowering/qdq_bias.h"
#include "exec/lowering/qdq_group.h"
#include "exec/lowering/qdq_hoist.h"
#include "exec/lowering/qdq_unsigned.h"
#include "exec/lowering/qdq_zero_points.h"
#include "ops/ops.h"

namespace q8 {
namespace {

// The integer operator that takes the place of a group; its output is the group's result.
struct Replacement {
  std::string domain, op_type;
  std::vector<ValueId> inputs;
  Attributes attributes;
};

// Makes replacements for groups of one graph.
class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep) : graph_(graph), keep_(keep) {}

  int run() {
    int fused = 0;
    const QdqView view(graph_, keep_);
    std::vector<std::pair<QdqGroup, Replacement>> found;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const QdqGroup group = view.group(id);
      const bool any = std::any_of(group.inputs.begin(), group.inputs.end(),
                                   [](const auto& input) { return input.has_value(); });
      if (!any) continue;
      if (auto replacement = replace(group)) found.emplace_back(group, std::move(*replacement));
    }
    for (auto& [group, replacement] : found) {
      Node node;
      node.name = graph_.node(group.node).name;
      node.domain = std::move(replacement.domain);
      node.op_type = std::move(replacement.op_type);
      node.inputs = std::move(replacement.inputs);
      node.attributes = std::move(replacement.attributes);
      node.outputs = {group.result};
      for (const NodeId id : group.replaced) graph_.remove_node(id);
      graph_.append_node(std::move(node));
      ++fused;
    }
    graph_.tidy(keep_);
    return fused;
  }

 private:
  using Maybe = std::optional<Replacement>;

  // One row a kind of operator.
  Maybe replace(const QdqGroup& group) {
    const Node& node = graph_.node(group.node);
    if (!node.domain.empty() || node.outputs.size() != 1) return std::nullopt;
    using Rule = Maybe (Fuser::*)(const QdqGroup&);
    constexpr std::pair<std::string_view, Rule> kRules[] = {
        {"Conv", &Fuser::conv},
        {"ConvTranspose", &Fuser::conv_transpose},
        {"MatMul", &Fuser::matmul},
        {"Gemm", &Fuser::gemm},
        {"Add", &Fuser::combine},
        {"Mul", &Fuser::combine},
        {"Concat", &Fuser::concat},
        {"AveragePool", &Fuser::average},
        {"GlobalAveragePool", &Fuser::average},
    };
    for (const auto& [type, rule] : kRules)
      if (node.op_type == type) return (this->*rule)(group);
    const OpRow* row = find_operator("", node.op_type);
    if (row == nullptr) return std::nullopt;
    if (row->role == QuantRole::kMoves || node.is("MaxPool")) return move(group);
    const bool is_pointwise =
        row->role == QuantRole::kPointwise || row->role == QuantRole::kClamp || node.is("Gelu") ||
        (row->role == QuantRole::kBounded && !node.is("Softmax") && !node.is("LogSoftmax"));
    return is_pointwise ? pointwise(group) : std::nullopt;
  }

  bool is_clamped(const QdqGroup& g) const { return std::isfinite(g.low) || std::isfinite(g.high); }

  // A clamp of the real values as one of the quantized ones.
  void set_clamp(const QdqGroup& g, Attributes& attributes) const {
    const ByteParams params = *byte_params(graph_, *g.output);
    const auto [qmin, qmax] = quant_limits(params.dtype);
    const auto quantized = [&](float bound) {  // a bound may be as large as FLT_MAX
      const float q = round_half_even(bound / params.scale) + static_cast<float>(params.zero_point);
      return static_cast<std::int64_t>(
          std::clamp(q, static_cast<float>(qmin), static_cast<float>(qmax)));
    };
    if (std::isfinite(g.low)) attributes.set("clamp_low", quantized(g.low));
    if (std::isfinite(g.high)) attributes.set("clamp_high", quantized(g.high));
  }

  // Weights: constant s8 or u8, with one scale or one per index along `axis`.
  bool is_byte_constant(const std::optional<QuantizedInput>& input, std::int64_t axis) const {
    if (!input) return false;
    const Tensor* w = graph_.constant(input->integers);
    if (w == nullptr || (w->dtype() != DType::kS8 && w->dtype() != DType::kU8)) return false;
    const Tensor* zero = graph_.constant(input->zero_point);
    const std::int64_t scales = graph_.constant(input->scale)->size();
    if (zero->dtype() != w->dtype() || zero->size() != scales || axis >= w->rank()) return false;
    const std::int64_t given = input->axis < 0 ? input->axis + w->rank() : input->axis;
    return scales == 1 || (given == axis && scales == w->shape()[axis]);
  }

  // Rank of a constant; 0 where it is none.
  std::int64_t constant_rank(const std::optional<QuantizedInput>& input) const {
    const Tensor* w = input ? graph_.constant(input->integers) : nullptr;
    return w != nullptr ? w->rank() : 0;
  }

  bool is_byte(const std::optional<QuantizedInput>& input) const {
    if (!input) return false;
    const auto params = byte_params(graph_, *input);
    return params && (params->dtype == DType::kU8 || params->dtype == DType::kS8);
  }

  static void append(std::vector<ValueId>& inputs, const QuantizedInput& input) {
    inputs.insert(inputs.end(), {input.integers, input.scale, input.zero_point});
  }

  Maybe conv(const QdqGroup& g) {
    if (g.inputs.size() < 2) return std::nullopt;
    if (!is_byte(g.inputs[0]) || constant_rank(g.inputs[1]) < 3) return std::nullopt;
    if (!is_byte_constant(g.inputs[1], 0)) return std::nullopt;
    const std::int64_t channels = graph_.constant(g.inputs[1]->integers)->shape()[0];
    Replacement r{
        "q8", g.output ? "QLinearConv" : "ConvFromBytes", {}, graph_.node(g.node).attributes};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    const auto bias =
        g.output ? integer_bias(graph_, g, 2, channels) : float_bias(graph_, g, 2, channels);
    if (!bias) return std::nullopt;
    if (g.output) {
      r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
      set_clamp(g, r.attributes);
    }
    r.inputs.push_back(*bias);
    return r;
  }

  // Between bytes, and where a scale per channel is not one for the channels of several groups.
  Maybe conv_transpose(const QdqGroup& g) {
    if (g.inputs.size() < 2 || !g.output || !is_byte(g.inputs[0])) return std::nullopt;
    if (constant_rank(g.inputs[1]) < 3 || !is_byte_constant(g.inputs[1], 1)) return std::nullopt;
    const Attributes& attributes = graph_.node(g.node).attributes;
    const std::int64_t groups = attributes.get_int("group", 1);
    if (groups != 1 && graph_.constant(g.inputs[1]->scale)->size() != 1) return std::nullopt;
    const std::int64_t channels = graph_.constant(g.inputs[1]->integers)->shape()[1] * groups;
    const auto bias = integer_bias(graph_, g, 2, channels);
    if (!bias) return std::nullopt;
    Replacement r{"q8", "QLinearConvTranspose", {}, attributes};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point, *bias});
    set_clamp(g, r.attributes);
    return r;
  }

  Maybe matmul(const QdqGroup& g) {
    if (g.inputs.size() < 2) return std::nullopt;
    if (!is_byte(g.inputs[0]) || !g.inputs[1] || (g.output && is_clamped(g))) return std::nullopt;
    const bool is_matrix = constant_rank(g.inputs[1]) == 2 && is_byte_constant(g.inputs[1], 1);
    if (!is_matrix && !is_byte(g.inputs[1])) return std::nullopt;
    Replacement r{"q8", g.output ? "QLinearMatMul" : "MatMulFromBytes", {}, {}};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    if (g.output) r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    return r;
  }

  Maybe gemm(const QdqGroup& g) {
    if (g.inputs.size() < 2) return std::nullopt;
    const Attributes& a = graph_.node(g.node).attributes;
    const std::int64_t axis = a.get_int("transB", 0) != 0 ? 0 : 1;
    if (!is_byte(g.inputs[0]) || constant_rank(g.inputs[1]) != 2) return std::nullopt;
    if (!is_byte_constant(g.inputs[1], axis)) return std::nullopt;
    if (a.get_float("alpha", 1) != 1 || a.get_float("beta", 1) != 1) return std::nullopt;
    if (g.output && is_clamped(g)) return std::nullopt;
    const std::int64_t columns = graph_.constant(g.inputs[1]->integers)->shape()[axis];
    const auto bias = integer_bias(graph_, g, 2, columns);
    if (!bias) return std::nullopt;
    Replacement r{"com.microsoft", "QGemm", {}, a};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    r.inputs.push_back(*bias);
    if (g.output) r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    return r;
  }

  Maybe combine(const QdqGroup& g) {
    if (g.inputs.size() < 2) return std::nullopt;
    if (!g.output || !is_byte(g.inputs[0]) || !is_byte(g.inputs[1])) return std::nullopt;
    Replacement r{"q8", "QLinear" + graph_.node(g.node).op_type, {}, {}};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    set_clamp(g, r.attributes);
    return r;
  }

  Maybe concat(const QdqGroup& g) {
    if (!g.output || is_clamped(g)) return std::nullopt;
    if (!std::all_of(g.inputs.begin(), g.inputs.end(), [&](const auto& i) { return is_byte(i); }))
      return std::nullopt;
    const ByteParams out = *byte_params(graph_, *g.output);
    const bool same = std::all_of(g.inputs.begin(), g.inputs.end(),
                                  [&](const auto& i) { return *byte_params(graph_, *i) == out; });
    Replacement r{same ? "" : "com.microsoft",
                  same ? "Concat" : "QLinearConcat",
                  {},
                  graph_.node(g.node).attributes};
    if (!same) r.inputs = {g.output->scale, g.output->zero_point};
    for (const auto& input : g.inputs) {
      if (same)
        r.inputs.push_back(input->integers);
      else
        append(r.inputs, *input);
    }
    return r;
  }

  Maybe average(const QdqGroup& g) {
    if (!g.output || !is_byte(g.inputs[0]) || is_clamped(g)) return std::nullopt;
    Replacement r{"com.microsoft",
                  "QLinear" + graph_.node(g.node).op_type,
                  {},
                  graph_.node(g.node).attributes};
    append(r.inputs, *g.inputs[0]);
    r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    return r;
  }

  // The operator itself, on integers, where the parameters do not change.
  Maybe move(const QdqGroup& g) {
    const Node& node = graph_.node(g.node);
    if (!g.output || !is_byte(g.inputs[0]) || is_clamped(g)) return std::nullopt;
    if (!(*byte_params(graph_, *g.inputs[0]) == *byte_params(graph_, *g.output)))
      return std::nullopt;
    if (!only_moves(node)) return std::nullopt;
    for (std::size_t i = 1; i < g.inputs.size(); ++i)
      if (g.inputs[i]) return std::nullopt;
    Replacement r{"", node.op_type, node.inputs, node.attributes};
    r.inputs[0] = g.inputs[0]->integers;
    return r;
  }

  // A function of one value: its results for all 256 bytes, by running the operator on them.
  Maybe pointwise(const QdqGroup& g) {
    const Node& node = graph_.node(g.node);
    if (!g.output || !is_byte(g.inputs[0])) return std::nullopt;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      const Tensor* parameter = graph_.constant(node.inputs[i]);
      if (node.inputs[i] != kNoValue && (parameter == nullptr || parameter->size() != 1))
        return std::nullopt;
    }
    const ByteParams from = *byte_params(graph_, *g.inputs[0]),
                     to = *byte_params(graph_, *g.output);
    Tensor reals(DType::kF32, Shape{256});
    for (int i = 0; i < 256; ++i) {
      const int q = from.dtype == DType::kS8 && i > 127 ? i - 256 : i;
      reals.mutable_data<float>()[i] = static_cast<float>(q - from.zero_point) * from.scale;
    }
    Graph one;
    one.opsets = graph_.opsets;
    Node copy = node;
    copy.inputs[0] = one.add_constant("x", std::move(reals));
    for (std::size_t i = 1; i < copy.inputs.size(); ++i)
      if (copy.inputs[i] != kNoValue)
        copy.inputs[i] = one.add_constant("c", *graph_.constant(copy.inputs[i]));
    copy.outputs = {one.add_value("y")};
    const auto results = evaluate_constant_node(one, copy);
    if (results.size() != 1 || results[0].size() != 256 || results[0].dtype() != DType::kF32)
      return std::nullopt;
    const auto values = results[0].values<float>();
    if (std::any_of(values.begin(), values.end(), [](float v) { return std::isnan(v); }))
      return std::nullopt;  // log of a negative number …: left to QuantizeLinear
    Tensor clamped(DType::kF32, Shape{256});
    std::transform(results[0].data<float>(), results[0].data<float>() + 256,
                   clamped.mutable_data<float>(),
                   [&](float v) { return std::min(std::max(v, g.low), g.high); });
    const Tensor table =
        quantize(clamped, {.dtype = to.dtype, .scale = {to.scale}, .zero_point = {to.zero_point}});
    return Replacement{
        "q8", "TableLookup", {g.inputs[0]->integers, graph_.add_constant("q8_table", table)}, {}};
  }

  Graph& graph_;
  const std::vector<ValueId>& keep_;
};

}  // namespace

int fuse_qdq(Graph& graph, const std::vector<ValueId>& keep) {
  complete_zero_points(graph);
  make_unsigned(graph, keep);
  hoist_quantize(graph, keep);
  return Fuser(graph, keep).run();
}

}  // namespace q8
