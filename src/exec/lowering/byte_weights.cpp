#include "exec/lowering/byte_weights.h"

#include <algorithm>
#include <optional>

#include "exec/fold.h"

namespace q8 {
namespace {

// A node's weights as a matrix: which axis has the columns of the product. Nothing where the node
// is not a product of all pixels (or rows) with one matrix.
std::optional<std::int64_t> column_axis(const Graph& graph, const Node& node,
                                        const Tensor& weights) {
  const Attributes& a = node.attributes;
  if (node.is("MatMul") || (node.domain == "q8" && node.op_type == "MatMul"))
    return weights.rank() == 2 ? std::optional<std::int64_t>(1) : std::nullopt;
  if (node.is("Gemm")) {
    if (weights.rank() != 2 || a.get_int("transA", 0) != 0) return std::nullopt;
    if (a.get_float("alpha", 1) != 1 || a.get_float("beta", 1) != 1) return std::nullopt;
    const std::int64_t axis = a.get_int("transB", 0) != 0 ? 0 : 1;
    const Tensor* c = graph.constant(node.input(2));
    const bool is_row = c != nullptr && c->rank() > 0 && c->size() == weights.shape()[axis] &&
                        c->shape().back() == c->size();
    return is_row || node.input(2) == kNoValue ? std::optional(axis) : std::nullopt;
  }
  if (node.domain != "q8" || node.op_type != "Conv") return std::nullopt;
  const auto all = [&](const char* name, std::int64_t wanted) {
    return std::ranges::all_of(a.get_ints(name), [&](std::int64_t v) { return v == wanted; });
  };
  const bool is_pointwise = weights.shape().count(2, weights.rank()) == 1 && all("strides", 1) &&
                            all("pads", 0) && a.get_int("group", 1) == 1;
  return is_pointwise ? std::optional<std::int64_t>(0) : std::nullopt;
}

// One scale, or one for each column.
bool fits(const Graph& graph, const QuantizedInput& source, std::int64_t axis) {
  const Tensor* q = graph.constant(source.integers);
  const Tensor* scale = graph.constant(source.scale);
  const Tensor* zero = graph.constant(source.zero_point);
  if (q == nullptr || scale == nullptr || zero == nullptr || scale->dtype() != DType::kF32)
    return false;
  if (q->dtype() != DType::kS8 && q->dtype() != DType::kU8) return false;
  if (zero->dtype() != q->dtype() || zero->size() != scale->size()) return false;
  const std::int64_t given = source.axis < 0 ? source.axis + q->rank() : source.axis;
  return scale->size() == 1 || (given == axis && scale->size() == q->shape()[axis]);
}

Tensor transposed_bytes(const Tensor& x) {
  const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
  Tensor y(x.dtype(), Shape{columns, rows});
  for (std::int64_t c = 0; c < columns; ++c)
    for (std::int64_t r = 0; r < rows; ++r)
      y.mutable_bytes()[c * rows + r] = x.bytes()[r * columns + c];
  return y;
}

}  // namespace

ByteConstants dequantize_constants(Graph& graph, const std::vector<ValueId>& keep) {
  ByteConstants sources;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    if (node.op_type != "DequantizeLinear" || node.outputs.empty()) continue;
    const bool constant = std::ranges::all_of(node.inputs, [&](ValueId input) {
      return input == kNoValue || graph.constant(input) != nullptr;
    });
    if (!constant) continue;
    auto results = evaluate_constant_node(graph, node);
    if (results.empty()) continue;
    const ValueId output = node.outputs[0];
    if (!node.attributes.has("block_size"))
      sources[output] = {node.input(0), node.input(1), node.input(2),
                         node.attributes.get_int("axis", 1)};
    graph.remove_node(id);
    graph.value(output).constant = std::move(results[0]);
  }
  graph.tidy(keep);
  return sources;
}

void use_byte_weights(Graph& graph, const ByteConstants& bytes) {
  constexpr std::int64_t kLarge = 64 << 10;  // a quarter of a megabyte of floats
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const auto source = bytes.find(graph.node(id).input(1));
    if (source == bytes.end()) continue;
    const Tensor& weights = *graph.constant(source->first);
    if (weights.dtype() != DType::kF32 || weights.size() < kLarge) continue;
    const auto axis = column_axis(graph, graph.node(id), weights);
    if (!axis || !fits(graph, source->second, *axis)) continue;
    const auto& [integers, scale, zero_point, given_axis] = source->second;
    const ValueId columns = *axis == 0
                                ? integers
                                : graph.add_constant(graph.value(integers).name + "_columns",
                                                     transposed_bytes(*graph.constant(integers)));
    Node& node = graph.node(id);
    Node product;
    product.name = node.name;
    product.domain = "q8";
    product.op_type = "MatMulOfByteWeights";
    product.inputs = {node.input(0), columns, node.input(2), node.input(3), scale, zero_point};
    product.outputs = node.outputs;
    for (const char* name : {"activation", "activation_params", "clamp_lo", "clamp_hi"})
      if (const Attribute* attribute = node.attributes.find(name))
        product.attributes.set(name, *attribute);
    node = std::move(product);
  }
}

}  // namespace q8
