#include "rewrite/dynamic.h"

#include <algorithm>

#include "base/error.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

struct DynamicInput {
  ValueId integers, scale, zero_point;
};

class DynamicEmitter {
 public:
  explicit DynamicEmitter(Emitter& emitter) : emitter_(emitter), graph_(emitter.graph()) {}

  void emit(NodeId id) {
    if (graph_.node(id).is("LSTM")) return emit_lstm(id);
    const Node node = graph_.node(id);
    const DynamicInput x = quantized(node.inputs[0]);
    const bool is_conv = node.is("Conv"),
               has_bias = !node.is("MatMul") && node.input(2) != kNoValue;
    QuantizedValue weights = weights_of(node, plan_of(node, 1));
    ValueId bias = has_bias ? node.inputs[2] : kNoValue;
    if (is_conv) {  // one value a channel, [channels, 1, 1]
      const std::int64_t rank = graph_.constant(node.inputs[1])->rank();
      weights.scale = along_channels(weights.scale, rank);
      if (has_bias) bias = along_channels(bias, rank);
    }
    const ValueId sums = graph_.add_value(node.name + "_s32"),
                  real = graph_.add_value(node.name + "_sums"),
                  scale = graph_.add_value(node.name + "_scale"),
                  product = has_bias ? graph_.add_value(node.name + "_product") : node.outputs[0];
    Node& matmul = graph_.node(id);
    matmul.op_type = is_conv ? "ConvInteger" : "MatMulInteger";
    matmul.name = graph_.unique_node_name(node.name + "_" + matmul.op_type);
    if (!is_conv) matmul.attributes = {};
    matmul.inputs = {x.integers, weights.integers, x.zero_point};
    matmul.outputs = {sums};
    add(node.name + "_Cast", "Cast", {sums}, {real}).attributes.set("to", onnx_code(DType::kF32));
    add(node.name + "_scales", "Mul", {x.scale, weights.scale}, {scale});
    add(node.name + "_Mul", "Mul", {real, scale}, {product});
    if (has_bias) add(node.name + "_Add", "Add", {product, bias}, {node.outputs[0]});
  }

 private:
  const ConstantPlan& plan_of(const Node& node, std::size_t input) const {
    const ConstantPlan* plan = emitter_.plan().find_constant(node.name, input);
    if (plan == nullptr)
      throw bad_input("the plan makes " + node.label() + " dynamic, but has no row for its input " +
                      std::to_string(input));
    return *plan;
  }

  // A constant of one value, or one a channel, as it meets the results of a convolution whose
  // weights have that rank.
  ValueId along_channels(ValueId id, std::int64_t rank) {
    const Tensor& given = *graph_.constant(id);
    if (given.size() == 1 && given.rank() == 0) return id;
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank - 1), 1);
    dims[0] = given.size();
    const Tensor turned = given.reshaped(Shape(std::move(dims)));
    return graph_.add_constant(graph_.value(id).name + "_channels", turned);
  }

  void emit_lstm(NodeId id) {
    const Node node = graph_.node(id);
    const QuantizedValue w = recurrent_weights(node, 1), r = recurrent_weights(node, 2);
    Node& lstm = graph_.node(id);
    graph_.opsets.try_emplace("com.microsoft", 1);
    lstm.domain = "com.microsoft";
    lstm.op_type = "DynamicQuantizeLSTM";
    lstm.name = graph_.unique_node_name(node.name + "_DynamicQuantizeLSTM");
    lstm.attributes.erase("layout");
    lstm.inputs.resize(8, kNoValue);
    lstm.inputs[1] = w.integers;
    lstm.inputs[2] = r.integers;
    lstm.inputs.insert(lstm.inputs.end(), {w.scale, w.zero_point, r.scale, r.zero_point});
  }

  // [directions, 4 · hidden, k] becomes [directions, k, 4 · hidden] with a scale for each direction
  // and column.
  QuantizedValue recurrent_weights(const Node& node, std::size_t input) {
    const ConstantPlan& plan = plan_of(node, input);
    const Tensor& given = *graph_.constant(node.inputs[input]);
    const Tensor integers = emitter_.integers_of(plan, given);
    const std::int64_t directions = given.shape()[0], rows = given.shape()[1],
                       columns = given.shape()[2];
    Tensor turned(integers.dtype(), Shape{directions, columns, rows});
    for (std::int64_t d = 0; d < directions; ++d)
      turn(integers.data<std::int8_t>() + d * rows * columns, rows, columns,
           turned.mutable_data<std::int8_t>() + d * rows * columns);
    const std::int64_t each = std::ssize(plan.params.scale);
    const Shape shape = each == 1 ? Shape{directions} : Shape{directions, each};
    std::vector<float> scales;
    for (std::int64_t d = 0; d < directions; ++d)
      scales.insert(scales.end(), plan.params.scale.begin(), plan.params.scale.end());
    QuantizedValue made;
    made.integers = graph_.add_constant(plan.value + "_quantized", turned);
    made.scale = graph_.add_constant(plan.value + "_scale", Tensor::of<float>(shape, scales));
    made.zero_point =
        graph_.add_constant(plan.value + "_zero_point", Tensor::zeros(DType::kS8, shape));
    return made;
  }

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
    turned.integers = transposed(emitter_.integers_of(plan, given));
    return emitter_.quantized_constant(node, 1, turned);
  }

  static Tensor transposed(const Tensor& matrix) {
    const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
    Tensor result(matrix.dtype(), Shape{columns, rows});
    turn(matrix.data<std::int8_t>(), rows, columns, result.mutable_data<std::int8_t>());
    return result;
  }

  static void turn(const std::int8_t* from, std::int64_t rows, std::int64_t columns,
                   std::int8_t* to) {
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
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
