#include "exec/fuse_qdq.h"

#include <algorithm>
#include <cmath>

#include "base/rounding.h"
#include "exec/fold.h"
#include "exec/qdq_group.h"
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
    graph_.tidy();
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
        {"Conv", &Fuser::conv},           {"MatMul", &Fuser::matmul},
        {"Gemm", &Fuser::gemm},           {"Add", &Fuser::combine},
        {"Mul", &Fuser::combine},         {"Concat", &Fuser::concat},
        {"AveragePool", &Fuser::average}, {"GlobalAveragePool", &Fuser::average},
    };
    for (const auto& [type, rule] : kRules)
      if (node.op_type == type) return (this->*rule)(group);
    const OpRow* row = find_operator("", node.op_type);
    if (row == nullptr) return std::nullopt;
    if (row->role == QuantRole::kMoves || node.is("MaxPool")) return move(group);
    const bool is_pointwise =
        row->role == QuantRole::kPointwise || row->role == QuantRole::kClamp ||
        (row->role == QuantRole::kBounded && !node.is("Softmax") && !node.is("LogSoftmax"));
    return is_pointwise ? pointwise(group) : std::nullopt;
  }

  bool is_clamped(const QdqGroup& g) const { return std::isfinite(g.low) || std::isfinite(g.high); }

  // A clamp of the real values as one of the quantized ones.
  void set_clamp(const QdqGroup& g, Attributes& attributes) const {
    const ByteParams params = *byte_params(graph_, *g.output);
    const auto quantized = [&](float bound) {
      return static_cast<std::int64_t>(round_half_even(bound / params.scale)) + params.zero_point;
    };
    if (std::isfinite(g.low)) attributes.set("clamp_low", quantized(g.low));
    if (std::isfinite(g.high)) attributes.set("clamp_high", quantized(g.high));
  }

  // Weights: constant s8 or u8.
  bool is_byte_constant(const std::optional<QuantizedInput>& input) const {
    if (!input) return false;
    const Tensor* w = graph_.constant(input->integers);
    return w != nullptr && (w->dtype() == DType::kS8 || w->dtype() == DType::kU8);
  }

  bool is_byte(const std::optional<QuantizedInput>& input) const {
    if (!input) return false;
    const auto params = byte_params(graph_, *input);
    return params && (params->dtype == DType::kU8 || params->dtype == DType::kS8);
  }

  static void append(std::vector<ValueId>& inputs, const QuantizedInput& input) {
    inputs.insert(inputs.end(), {input.integers, input.scale, input.zero_point});
  }

  // The bias of a group as s32 with scale x_scale · w_scale: as it stands, or rounded from float.
  // Nothing where it is not constant or does not fit.
  struct Bias {
    ValueId value = kNoValue;
  };
  std::optional<Bias> integer_bias(const QdqGroup& g, std::size_t i) {
    const Node& node = graph_.node(g.node);
    if (node.input(i) == kNoValue) return Bias{};
    if (g.inputs[i]) {
      const Tensor* b = graph_.constant(g.inputs[i]->integers);
      if (b == nullptr || b->dtype() != DType::kS32) return std::nullopt;
      return Bias{b->rank() == 1 ? g.inputs[i]->integers
                                 : graph_.add_constant("q8_bias", b->reshaped(Shape{b->size()}))};
    }
    const Tensor* b = graph_.constant(node.input(i));
    if (b == nullptr || b->dtype() != DType::kF32) return std::nullopt;
    const float x_scale = graph_.constant(g.inputs[0]->scale)->to_floats()[0];
    const auto w_scale = graph_.constant(g.inputs[1]->scale)->to_floats();
    const auto values = b->to_floats();
    if (w_scale.size() != 1 && w_scale.size() != values.size()) return std::nullopt;
    Tensor rounded(DType::kS32, Shape{b->size()});
    for (std::size_t c = 0; c < values.size(); ++c) {
      const double scale = static_cast<double>(x_scale) * w_scale[w_scale.size() == 1 ? 0 : c];
      const double q = round_half_even(values[c] / scale);
      if (std::abs(q) > 2147483647.0) return std::nullopt;
      rounded.mutable_data<std::int32_t>()[c] = static_cast<std::int32_t>(q);
    }
    return Bias{graph_.add_constant("q8_bias", std::move(rounded))};
  }

  // The bias in float, for groups with a float result.
  std::optional<Bias> float_bias(const QdqGroup& g, std::size_t i) {
    const Node& node = graph_.node(g.node);
    if (node.input(i) == kNoValue) return Bias{};
    if (!g.inputs[i]) {
      if (graph_.constant(node.input(i)) == nullptr) return std::nullopt;
      return Bias{node.input(i)};
    }
    const Tensor* b = graph_.constant(g.inputs[i]->integers);
    if (b == nullptr || b->dtype() != DType::kS32) return std::nullopt;
    const auto scale = graph_.constant(g.inputs[i]->scale)->to_floats();
    Tensor real(DType::kF32, Shape{b->size()});
    for (std::int64_t c = 0; c < b->size(); ++c)
      real.mutable_data<float>()[c] = static_cast<float>(b->data<std::int32_t>()[c]) *
                                      scale[scale.size() == 1 ? 0 : static_cast<std::size_t>(c)];
    return Bias{graph_.add_constant("q8_bias", std::move(real))};
  }

  Maybe conv(const QdqGroup& g) {
    if (!is_byte(g.inputs[0]) || !is_byte_constant(g.inputs[1])) return std::nullopt;
    Replacement r{
        "q8", g.output ? "QLinearConv" : "ConvFromBytes", {}, graph_.node(g.node).attributes};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    const auto bias = g.output ? integer_bias(g, 2) : float_bias(g, 2);
    if (!bias) return std::nullopt;
    if (g.output) {
      r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
      set_clamp(g, r.attributes);
    }
    r.inputs.push_back(bias->value);
    return r;
  }

  Maybe matmul(const QdqGroup& g) {
    if (!is_byte(g.inputs[0]) || !g.inputs[1] || (g.output && is_clamped(g))) return std::nullopt;
    if (!is_byte_constant(g.inputs[1]) && !is_byte(g.inputs[1])) return std::nullopt;
    Replacement r{"q8", g.output ? "QLinearMatMul" : "MatMulFromBytes", {}, {}};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    if (g.output) r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    return r;
  }

  Maybe gemm(const QdqGroup& g) {
    const Attributes& a = graph_.node(g.node).attributes;
    if (!is_byte(g.inputs[0]) || !is_byte_constant(g.inputs[1])) return std::nullopt;
    if (a.get_float("alpha", 1) != 1 || a.get_float("beta", 1) != 1) return std::nullopt;
    if (g.output && is_clamped(g)) return std::nullopt;
    const auto bias = integer_bias(g, 2);
    if (!bias) return std::nullopt;
    Replacement r{"com.microsoft", "QGemm", {}, a};
    append(r.inputs, *g.inputs[0]);
    append(r.inputs, *g.inputs[1]);
    r.inputs.push_back(bias->value);
    if (g.output) r.inputs.insert(r.inputs.end(), {g.output->scale, g.output->zero_point});
    return r;
  }

  Maybe combine(const QdqGroup& g) {
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
    // Padding with a float constant, a linear Resize and so on compute with the values.
    if (node.is("Pad") ||
        (node.is("Resize") && node.attributes.get_string("mode", "nearest") != "nearest"))
      return std::nullopt;
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
    if (results.size() != 1 || results[0].size() != 256) return std::nullopt;
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

// Weights that stay behind a DequantizeLinear are computed with in float.
void dequantize_constants(Graph& graph) {
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (node.op_type != "DequantizeLinear" || node.outputs.empty()) continue;
    const bool constant = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return input == kNoValue || graph.constant(input) != nullptr;
    });
    if (!constant) continue;
    auto results = evaluate_constant_node(graph, node);
    const ValueId output = node.outputs[0];
    graph.remove_node(id);
    graph.value(output).constant = std::move(results[0]);
  }
  graph.tidy();
}

}  // namespace

int fuse_qdq(Graph& graph, const std::vector<ValueId>& keep) {
  const int fused = Fuser(graph, keep).run();
  dequantize_constants(graph);
  return fused;
}

}  // namespace q8
