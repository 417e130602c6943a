#include "rewrite/qoperator.h"

#include <algorithm>
#include <optional>

#include "ops/ops.h"
#include "plan/coverage.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

struct Quantized {
  ValueId integers = kNoValue, scale = kNoValue, zero_point = kNoValue;
};

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), uses_(graph) {}

  int run() {
    int fused = 0;
    const NodeId count = graph_.node_count();
    for (NodeId id = 0; id < count; ++id) {
      const Node& node = graph_.node(id);
      if (node.is("Conv"))
        fused += fuse_conv(id);
      else if (node.is("MatMul") || node.is("Gemm"))
        fused += fuse_product(id);
      else
        fused += fuse_move(id);
    }
    graph_.tidy();
    return fused;
  }

 private:
  // What a DequantizeLinear makes `real` of; integers is kNoValue where nothing of that kind does.
  Quantized behind(ValueId real) const {
    if (real == kNoValue) return {};
    const NodeId producer = uses_.producer(real);
    if (producer == kNoNode || !graph_.node(producer).is("DequantizeLinear")) return {};
    const Node& node = graph_.node(producer);
    return {node.inputs[0], node.inputs[1], node.input(2)};
  }

  // The QuantizeLinear that alone reads `real`, or kNoNode.
  NodeId quantizer(ValueId real) const {
    const NodeId reader = uses_.only_consumer(real);
    return reader != kNoNode && graph_.node(reader).is("QuantizeLinear") ? reader : kNoNode;
  }

  int fuse_conv(NodeId id) {
    Node& node = graph_.node(id);
    const Quantized x = behind(node.input(0)), w = behind(node.input(1)), b = behind(node.input(2));
    const NodeId to = quantizer(node.outputs[0]);
    if (x.integers == kNoValue || w.integers == kNoValue || to == kNoNode) return 0;
    if (node.input(2) != kNoValue && b.integers == kNoValue) return 0;
    const Node& q = graph_.node(to);
    node.op_type = "QLinearConv";
    node.inputs = {x.integers, x.scale,      x.zero_point, w.integers,
                   w.scale,    w.zero_point, q.inputs[1],  q.inputs[2]};
    if (b.integers != kNoValue) node.inputs.push_back(b.integers);
    take_output(id, to);
    return 1;
  }

  // The node makes what the QuantizeLinear made.
  void take_output(NodeId id, NodeId quantize) {
    const ValueId output = graph_.node(quantize).outputs[0];
    graph_.remove_node(quantize);
    graph_.node(id).outputs[0] = output;
  }

  int fuse_product(NodeId id) {
    Node& node = graph_.node(id);
    const Quantized a = behind(node.input(0)), b = behind(node.input(1));
    if (a.integers == kNoValue || b.integers == kNoValue) return 0;
    if (dtype(a) == DType::kS8 && dtype(b) == DType::kU8) return 0;
    const NodeId to = quantizer(node.outputs[0]);
    if (node.is("MatMul") && to != kNoNode) {
      const Node& q = graph_.node(to);
      node.op_type = "QLinearMatMul";
      node.inputs = {a.integers, a.scale,      a.zero_point, b.integers,
                     b.scale,    b.zero_point, q.inputs[1],  q.inputs[2]};
      take_output(id, to);
      return 1;
    }
    return fuse_float_product(id, a, b);
  }

  std::optional<DType> dtype(const Quantized& quantized) const {
    const Tensor* zero = graph_.constant(quantized.zero_point);
    const Tensor* integers = graph_.constant(quantized.integers);
    if (zero != nullptr) return zero->dtype();
    return integers != nullptr ? std::optional(integers->dtype()) : std::nullopt;
  }

  // s32 sums, then their scale and, of a Gemm, the bias in float.
  int fuse_float_product(NodeId id, const Quantized& a, const Quantized& b) {
    const Node node = graph_.node(id);
    const Tensor *a_scale = graph_.constant(a.scale), *b_scale = graph_.constant(b.scale);
    if (a_scale == nullptr || b_scale == nullptr || a_scale->size() != 1) return 0;
    std::vector<float> scales = b_scale->to_floats();  // new constants move the tensors
    for (float& scale : scales) scale *= a_scale->to_floats()[0];
    ValueId right = b.integers;
    if (node.is("Gemm")) {
      if (node.attributes.get_int("transA", 0) != 0 || node.attributes.get_float("alpha", 1) != 1 ||
          node.attributes.get_float("beta", 1) != 1)
        return 0;
      if (node.attributes.get_int("transB", 0) != 0) {
        const Tensor* weights = graph_.constant(right);
        if (weights == nullptr) return 0;
        right = graph_.add_constant(graph_.value(right).name + "_transposed", transposed(*weights));
      }
    }
    const Shape shape =
        scales.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(scales.size())};
    const ValueId scale =
        graph_.add_constant(node.name + "_scale", Tensor::of<float>(shape, scales));
    const bool has_bias = node.is("Gemm") && node.input(2) != kNoValue;
    const ValueId sums = graph_.add_value(node.name + "_s32"),
                  real = graph_.add_value(node.name + "_sums"),
                  product = has_bias ? graph_.add_value(node.name + "_product") : node.outputs[0];
    Node& matmul = graph_.node(id);
    matmul.op_type = "MatMulInteger";
    matmul.attributes = {};
    matmul.inputs = {a.integers, right, a.zero_point, b.zero_point};
    matmul.outputs = {sums};
    add(node.name + "_cast", "Cast", {sums}, real).attributes.set("to", onnx_code(DType::kF32));
    add(node.name + "_scaled", "Mul", {real, scale}, product);
    if (has_bias) add(node.name + "_bias", "Add", {product, node.inputs[2]}, node.outputs[0]);
    return 1;
  }

  Node& add(const std::string& name, const std::string& type, std::vector<ValueId> inputs,
            ValueId output) {
    const NodeId id = graph_.add_node({.name = name,
                                       .domain = "",
                                       .op_type = type,
                                       .inputs = std::move(inputs),
                                       .outputs = {output},
                                       .attributes = {},
                                       .doc = ""});
    return graph_.node(id);
  }

  static Tensor transposed(const Tensor& matrix) {
    const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
    Tensor result(matrix.dtype(), Shape{columns, rows});
    const auto* from = matrix.data<std::int8_t>();
    auto* to = result.mutable_data<std::int8_t>();
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
    return result;
  }

  int fuse_move(NodeId id) {
    const QuantRole role = quant_role(graph_, graph_.node(id));
    if (role != QuantRole::kMoves && role != QuantRole::kConcat) return 0;
    const std::size_t data = role == QuantRole::kConcat ? graph_.node(id).inputs.size() : 1;
    const Quantized first = behind(graph_.node(id).input(0));
    std::vector<ValueId> integers;
    for (std::size_t i = 0; i < data; ++i) {
      const Quantized x = behind(graph_.node(id).input(i));
      if (x.integers == kNoValue || x.scale != first.scale || x.zero_point != first.zero_point)
        return 0;
      integers.push_back(x.integers);
    }
    std::vector<NodeId> quantizers;
    for (const ValueId output : graph_.node(id).outputs) {
      const NodeId to = output == kNoValue ? kNoNode : quantizer(output);
      if (to == kNoNode || graph_.node(to).inputs[1] != first.scale ||
          graph_.node(to).inputs[2] != first.zero_point)
        return 0;
      quantizers.push_back(to);
    }
    Node& node = graph_.node(id);
    std::copy(integers.begin(), integers.end(), node.inputs.begin());
    // Zero is stored as the zero point.
    if (node.is("Pad") && node.attributes.get_string("mode", "constant") == "constant") {
      node.inputs.resize(std::max<std::size_t>(node.inputs.size(), 3), kNoValue);
      node.inputs[2] = first.zero_point;
    }
    for (std::size_t i = 0; i < quantizers.size(); ++i) {
      node.outputs[i] = graph_.node(quantizers[i]).outputs[0];
      graph_.remove_node(quantizers[i]);
    }
    return 1;
  }

  Graph& graph_;
  Uses uses_;
};

}  // namespace

int fuse_qdq_groups(Graph& graph) {
  return Fusion(graph).run();
}

}  // namespace q8
