#include "kernels/kernel_set.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/permute.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// com.microsoft operators that are another operator with a conversion around it. Formulas:
// ContribOperators.md of ONNX Runtime.

// The function of an operator of ai.onnx or another domain, for a node with these attributes.
OpFunction inner_function(const NodeContext& outer, std::string_view type, Attributes attributes,
                          std::int64_t opset, std::string_view domain = "") {
  Node node = outer.node;
  node.domain = domain;
  node.op_type = type;
  node.attributes = std::move(attributes);
  const OpRow* row = find_operator(domain, type);
  Q8_ASSERT(row != nullptr);
  return row->make(NodeContext{.node = node,
                               .graph = outer.graph,
                               .constants = {},
                               .opset = opset,
                               .kernels = outer.kernels});
}

std::vector<Tensor> run_inner(const OpFunction& function, RunContext& run,
                              std::span<const Tensor* const> inputs, std::size_t outputs) {
  std::vector<Tensor> results(outputs);
  RunContext inner(inputs, results, run.allocator, run.threads, run.kernels);
  function(inner);
  return results;
}

Tensor run_inner(const OpFunction& function, RunContext& run,
                 std::span<const Tensor* const> inputs) {
  return std::move(run_inner(function, run, inputs, 1)[0]);
}

QuantParams params_of(const QuantInputs& q, DType dtype) {
  need_one_scale(q, "a tensor");
  return {.dtype = dtype, .axis = -1, .scale = q.scale, .zero_point = q.zero_point};
}

// Input i as floats, by the scale and zero point at `scale`.
Tensor dequantized(const RunContext& run, std::size_t i, std::size_t scale) {
  const Tensor& x = run.input(i);
  need_byte(x, "the input");
  return dequantize(x, params_of(quant_inputs(run, scale, x.dtype()), x.dtype()));
}

// X, X_scale, X_zero_point, Y_scale, Y_zero_point; the attribute opset says whether the axes behind
// `axis` belong to it.
OpFunction make_qlinear_softmax(const NodeContext& node) {
  Attributes attributes;
  const std::int64_t opset = node.attributes().need_int("opset");
  attributes.set("axis", node.attributes().get_int("axis", opset < 13 ? 1 : -1));
  return
      [softmax = inner_function(node, "Softmax", std::move(attributes), opset)](RunContext& run) {
        const Tensor x = dequantized(run, 0, 1);
        const Tensor* inputs[] = {&x};
        const QuantInputs y = quant_inputs(run, 3, run.input(0).dtype());
        run.set_output(0, quantize(run_inner(softmax, run, inputs), params_of(y, y.dtype)));
      };
}

// condition, X, x_scale, x_zero_point, Y, y_scale, y_zero_point, z_scale, z_zero_point
OpFunction make_qlinear_where(const NodeContext& node) {
  constexpr std::int64_t kOpset = 16;
  return [where = inner_function(node, "Where", {}, kOpset)](RunContext& run) {
    const QuantInputs z = quant_inputs(run, 7, run.input(1).dtype());
    const QuantParams params = params_of(z, z.dtype);
    const Tensor x = quantize(dequantized(run, 1, 2), params),
                 y = quantize(dequantized(run, 4, 5), params);
    const Tensor* inputs[] = {&run.input(0), &x, &y};
    run.set_output(0, run_inner(where, run, inputs));
  };
}

// input_ids, segment_ids, tables of words, positions and segments, gamma, beta (all bytes), mask,
// and from 8 and 13 on the scales and the zero points of the five.
OpFunction make_quantized_embedding(const NodeContext& node) {
  constexpr std::size_t kFirst = 2, kTables = 5, kScales = 8, kZeroPoints = 13;
  std::vector<Tensor> tables;
  for (std::size_t i = 0; i < kTables; ++i) {
    tables.emplace_back();
    if (!node.has_input(kFirst + i)) continue;
    const Tensor *table = node.constant(kFirst + i), *scale = node.constant(kScales + i);
    if (table == nullptr || scale == nullptr)
      throw unsupported("tables that are not constant are not supported");
    need_byte(*table, "a table");
    const QuantInputs q = quant_inputs(*scale, node.constant(kZeroPoints + i));
    tables.back() = dequantize(*table, params_of(q, table->dtype()));
    node.has_copied(kFirst + i);
  }
  return [tables, function = inner_function(node, "EmbedLayerNormalization", node.attributes(), 1,
                                            "com.microsoft")](RunContext& run) {
    std::vector<const Tensor*> inputs{run.optional_input(0), run.optional_input(1)};
    for (std::size_t i = 0; i < kTables; ++i)
      inputs.push_back(run.has_input(kFirst + i) ? &tables[i] : nullptr);
    inputs.push_back(run.optional_input(7));
    auto outputs = run_inner(function, run, inputs, run.output_count());
    for (std::size_t i = 0; i < outputs.size(); ++i) run.set_output(i, std::move(outputs[i]));
  };
}

// The channels as the last axis (or back as axis 1).
Tensor with_channels(const Tensor& x, bool last, RunContext& run) {
  if (x.rank() < 3) throw bad_input(x.str() + " has no channels and places");
  std::vector<std::int64_t> order{0}, dims;
  if (!last) order.push_back(x.rank() - 1);
  for (std::int64_t axis = last ? 2 : 1; axis < (last ? x.rank() : x.rank() - 1); ++axis)
    order.push_back(axis);
  if (last) order.push_back(1);
  for (const std::int64_t axis : order) dims.push_back(x.shape()[axis]);
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, y, run.threads);
  return y;
}

// An operator whose input 0 and result have the channels last, which the inner one has as axis 1.
OpFunction around_channels_first(OpFunction inner) {
  return [inner = std::move(inner)](RunContext& run) {
    const Tensor x = with_channels(run.input(0), false, run);
    std::vector<const Tensor*> inputs{&x};
    for (std::size_t i = 1; i < run.input_count(); ++i) inputs.push_back(run.optional_input(i));
    run.set_output(0, with_channels(run_inner(inner, run, inputs), true, run));
  };
}

OpFunction make_channels_last_max_pool(const NodeContext& node) {
  constexpr std::int64_t kOpset = 12;
  if (node.output_count() > 1) throw unsupported("indices of the largest are not supported");
  return around_channels_first(inner_function(node, "MaxPool", node.attributes(), kOpset));
}

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr OpRow kRows[] = {
    {kMicrosoft, "QLinearSoftmax", make_qlinear_softmax},
    {kMicrosoft, "QLinearWhere", make_qlinear_where},
    {kMicrosoft, "NhwcMaxPool", make_channels_last_max_pool},
    {kMicrosoft, "QEmbedLayerNormalization", make_quantized_embedding},
};

}  // namespace

std::span<const OpRow> wrapped_operators() {
  return kRows;
}

}  // namespace q8
