#include "rewrite/gates.h"

#include <optional>

#include "exec/lowering/activation_patterns.h"
#include "exec/lowering/qdq_group.h"

namespace q8 {
namespace {

using Kind = ActivationPattern::Kind;

// Byte parameters for all of a tensor, with zero at the lowest integer: reals from 0 to
// 255 · scale.
QuantParams from_zero(DType dtype, float scale) {
  return {.dtype = dtype, .scale = {scale}, .zero_point = {quant_limits(dtype).min}};
}

class GateEmitter {
 public:
  explicit GateEmitter(Emitter& emitter)
      : emitter_(emitter), graph_(emitter.graph()), uses_(graph_), view_(graph_, {}) {}

  void run() {
    std::vector<ActivationPattern> patterns = find_activation_patterns(graph_, {});
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (graph_.node(id).is("HardSwish"))
        patterns.push_back({Kind::kHardSwish, graph_.node(id).inputs[0], id, {}});
    for (const ActivationPattern& pattern : patterns) {
      const auto x = view_.quantized(pattern.x);
      const auto params = x ? byte_params(graph_, *x) : std::nullopt;
      if (!params || (params->dtype != DType::kU8 && params->dtype != DType::kS8)) continue;
      if (!is_quantized(graph_.node(pattern.last).outputs[0], params->dtype)) continue;
      if (pattern.kind == Kind::kSwish) quantize_sigmoid(pattern, params->dtype);
      if (pattern.kind == Kind::kHardSwish) multiply_by_gate(pattern, x->integers, *params);
    }
  }

 private:
  bool is_quantized(ValueId value, DType dtype) const {
    const NodeId reader = uses_.only_consumer(value);
    if (reader == kNoNode || !graph_.node(reader).is("QuantizeLinear")) return false;
    const Tensor* zero = graph_.constant(graph_.node(reader).input(2));
    return zero != nullptr && zero->dtype() == dtype;
  }

  void quantize_sigmoid(const ActivationPattern& pattern, DType dtype) {
    Node& sigmoid = graph_.node(pattern.inner.at(0));
    const ValueId gate = sigmoid.outputs[0];
    const std::string name = graph_.value(gate).name;
    const ValueId real = graph_.add_value(name + "_float");
    sigmoid.outputs[0] = real;
    emitter_.dequantize(emitter_.quantize(real, from_zero(dtype, 1.0f / 256), name), name, gate);
  }

  void multiply_by_gate(const ActivationPattern& pattern, ValueId integers, const ByteParams& x) {
    const std::string name = graph_.node(pattern.last).name + "_gate";
    const QuantParams sixth{.dtype = x.dtype, .scale = {x.scale / 6}, .zero_point = {x.zero_point}};
    QuantizedValue scaled = emitter_.parameters(sixth, name + "_x", Shape{});
    scaled.integers = integers;
    const ValueId sum = graph_.add_value(name + "_float");
    graph_.add_node({.name = name + "_Add",
                     .domain = "",
                     .op_type = "Add",
                     .inputs = {emitter_.dequantize(scaled, name + "_x"), half(x.dtype)},
                     .outputs = {sum},
                     .attributes = {},
                     .doc = ""});
    const QuantizedValue gate = emitter_.quantize(sum, from_zero(x.dtype, 1.0f / 255), name);
    const ValueId factor = emitter_.dequantize(gate, name);
    Node& product = graph_.node(pattern.last);
    product.domain.clear();
    product.op_type = "Mul";
    product.inputs = {pattern.x, factor};
    product.attributes = {};
    for (const NodeId id : pattern.inner) graph_.remove_node(id);
  }

  // ½ behind a DequantizeLinear of bytes.
  ValueId half(DType dtype) {
    constexpr int kSteps = 64;
    const QuantParams params{.dtype = dtype, .scale = {0.5f / kSteps}, .zero_point = {0}};
    QuantizedValue value = emitter_.parameters(params, "half", Shape{});
    value.integers = graph_.add_constant("half_quantized", quantize(Tensor::scalar(0.5f), params));
    return emitter_.dequantize(value, "half");
  }

  Emitter& emitter_;
  Graph& graph_;
  Uses uses_;  // of the graph as it came, as is the view
  QdqView view_;
};

}  // namespace

void emit_gates(Emitter& emitter) {
  GateEmitter(emitter).run();
}

}  // namespace q8
