#include "rewrite/dynamic.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {
namespace {

struct DynamicInput {
  ValueId integers, scale, zero_point;
};

class DynamicEmitter {
 public:
  explicit DynamicEmitter(Emitter& emitter) : emitter_(emitter), graph_(emitter.graph()) {}

  void emit(NodeId id) {
    const Node node = graph_.node(id);
    const ConstantPlan* plan = emitter_.plan().find_constant(node.name, 1);
    if (plan == nullptr)
      throw bad_input("the plan makes " + node.label() +
                      " dynamic, but has no row for its weights");
    const DynamicInput x = quantized(node.inputs[0]);
    const QuantizedValue weights = weights_of(node, *plan);
    const bool has_bias = node.is("Gemm") && node.input(2) != kNoValue;
    const ValueId sums = graph_.add_value(node.name + "_s32"),
                  real = graph_.add_value(node.name + "_sums"),
                  scale = graph_.add_value(node.name + "_scale"),
                  product = has_bias ? graph_.add_value(node.name + "_product") : node.outputs[0];
    Node& matmul = graph_.node(id);
    matmul.name = graph_.unique_node_name(node.name + "_MatMulInteger");
    matmul.op_type = "MatMulInteger";
    matmul.attributes = {};
    matmul.inputs = {x.integers, weights.integers, x.zero_point};
    matmul.outputs = {sums};
    add(node.name + "_Cast", "Cast", {sums}, {real}).attributes.set("to", std::int64_t{1});
    add(node.name + "_scales", "Mul", {x.scale, weights.scale}, {scale});
    add(node.name + "_Mul", "Mul", {real, scale}, {product});
    if (has_bias) add(node.name + "_Add", "Add", {product, node.inputs[2]}, {node.outputs[0]});
  }

 private:
  DynamicInput quantized(ValueId real) {
    const auto it = inputs_.find(real);
    if (it != inputs_.end()) return it->second;
    const std::string name = graph_.value(real).name;
    const DynamicInput made{graph_.add_value(name + "_quantized"),
                            graph_.add_value(name + "_scale"),
                            graph_.add_value(name + "_zero_point")};
    add(name + "_DynamicQuantizeLinear", "DynamicQuantizeLinear", {real},
        {made.integers, made.scale, made.zero_point});
    return inputs_[real] = made;
  }

  // As MatMulInteger reads them: [k, n], whatever way a Gemm has them.
  QuantizedValue weights_of(const Node& node, const ConstantPlan& plan) {
    if (!node.is("Gemm") || node.attributes.get_int("transB", 0) == 0)
      return emitter_.quantized_constant(node, 1, plan);
    ConstantPlan turned = plan;
    if (turned.params.axis >= 0) turned.params.axis = 1 - turned.params.axis;
    turned.value += "_transposed";
    const Tensor& given = *graph_.constant(node.inputs[1]);
    turned.integers = transposed(plan.integers ? *plan.integers : q8::quantize(given, plan.params));
    return emitter_.quantized_constant(node, 1, turned);
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

  Node& add(const std::string& name, const std::string& type, std::vector<ValueId> inputs,
            std::vector<ValueId> outputs) {
    return graph_.node(graph_.add_node({.name = name,
                                        .domain = "",
                                        .op_type = type,
                                        .inputs = std::move(inputs),
                                        .outputs = std::move(outputs),
                                        .attributes = {},
                                        .doc = ""}));
  }

  Emitter& emitter_;
  Graph& graph_;
  std::map<ValueId, DynamicInput> inputs_;
};

}  // namespace

void emit_dynamic(Emitter& emitter) {
  DynamicEmitter dynamic(emitter);
  const NodeId count = emitter.graph().node_count();
  for (NodeId id = 0; id < count; ++id) {
    const NodePlan* plan = emitter.plan().find_node(emitter.graph().node(id).name);
    if (plan != nullptr && plan->mode == NodeMode::kDynamic) dynamic.emit(id);
  }
}

}  // namespace q8
