#include "rewrite/emitter.h"

#include <algorithm>

#include "calib/weights.h"
#include "plan/targets.h"
#include "rewrite/constants.h"
#include "rewrite/opset.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

Node make_node(std::string name, std::string type, std::vector<ValueId> inputs, ValueId output) {
  return {.name = std::move(name),
          .domain = "",
          .op_type = std::move(type),
          .inputs = std::move(inputs),
          .outputs = {output},
          .attributes = {},
          .doc = ""};
}

Tensor zero_point_tensor(const QuantParams& params, const Shape& shape) {
  return cast(Tensor::of<std::int32_t>(shape, params.zero_point), params.dtype);
}

}  // namespace

Emitter::Emitter(const Graph& source, const QuantizationPlan& plan) : graph_(source), plan_(plan) {
  raise_opset(graph_, std::max(kQdqOpset, std::min(plan.opset, kNewestOpset)));
  graph_.annotations.clear();  // of the source's own quantization: no longer true
}

ValueId Emitter::shared_constant(const std::string& name, Tensor tensor) {
  std::string key = content_key(tensor);
  const auto it = constants_.find(key);
  if (it != constants_.end()) return it->second;
  return constants_[std::move(key)] = graph_.add_constant(name, std::move(tensor));
}

QuantizedValue Emitter::parameters(const QuantParams& params, const std::string& name,
                                   const Shape& tensor) {
  QuantizedValue value{.integers = kNoValue, .params = params};
  const Shape shape = params.scale_shape(tensor);
  value.scale = shared_constant(name + "_scale", Tensor::of<float>(shape, params.scale));
  if (params.dtype != DType::kS32)
    value.zero_point = shared_constant(name + "_zero_point", zero_point_tensor(params, shape));
  return value;
}

QuantizedValue Emitter::quantized_constant(const Node& node, std::size_t input,
                                           const ConstantPlan& constant) {
  const Tensor* real = graph_.constant(node.input(input));
  if (real == nullptr)
    throw bad_input("the plan quantizes input " + std::to_string(input) + " of " + node.label() +
                    ", which is not a constant");
  Tensor flat = *real;  // a copy, as new constants move the others; a bias [1, N] is written as
                        // [N], which broadcasts alike
  if (constant.params.dtype == DType::kS32) flat = flat.reshaped(Shape{flat.size()});
  const Shape shape = constant.integers ? constant.integers->shape() : flat.shape();
  QuantizedValue value = parameters(constant.params, constant.value, shape);
  value.integers = shared_constant(constant.value + "_quantized", integers_of(constant, flat));
  return value;
}

Tensor Emitter::integers_of(const ConstantPlan& plan, const Tensor& constant) const {
  if (plan.integers) return *plan.integers;
  return quantize_weights(constant, plan.params, find_target(plan_.target).weight_levels);
}

QuantizedValue Emitter::quantize(ValueId real, const QuantParams& params, const std::string& name) {
  QuantizedValue value = parameters(params, name, Shape{});
  value.integers = graph_.add_value(name + "_quantized");
  graph_.add_node(make_node(name + "_QuantizeLinear", "QuantizeLinear",
                            {real, value.scale, value.zero_point}, value.integers));
  return value;
}

ValueId Emitter::dequantize(const QuantizedValue& quantized, const std::string& name,
                            ValueId output) {
  if (output == kNoValue) output = graph_.add_value(name + "_dequantized");
  Node node = make_node(name + "_DequantizeLinear", "DequantizeLinear",
                        {quantized.integers, quantized.scale}, output);
  if (quantized.zero_point != kNoValue) node.inputs.push_back(quantized.zero_point);
  if (!quantized.params.is_per_tensor())
    node.attributes.set("axis", static_cast<std::int64_t>(quantized.params.axis));
  if (quantized.params.is_blocked()) node.attributes.set("block_size", quantized.params.block);
  graph_.add_node(std::move(node));
  return output;
}

void Emitter::remove_absorbed() {
  const Uses uses(graph_);
  for (NodeId id = 0; id < graph_.node_count(); ++id) {
    const NodePlan* node_plan = plan_.find_node(graph_.node(id).name);
    if (node_plan == nullptr || node_plan->mode != NodeMode::kAbsorbed) continue;
    const ValueId from = graph_.node(id).inputs[0], to = graph_.node(id).outputs[0];
    const NodeId producer = uses.producer(from);
    Q8_ASSERT(producer != kNoNode && uses.only_consumer(from) == id);
    auto& outputs = graph_.node(producer).outputs;
    graph_.remove_node(id);
    std::replace(outputs.begin(), outputs.end(), from, to);
  }
}

void Emitter::emit_tables() {
  for (const auto& [key, constant] : plan_.constants) {
    if (constant.storage != Storage::kRows) continue;
    const auto it = std::find_if(graph_.nodes().begin(), graph_.nodes().end(),
                                 [&](const Node& node) { return node.name == key.first; });
    if (it == graph_.nodes().end()) continue;
    const auto id = static_cast<NodeId>(it - graph_.nodes().begin());
    const std::string name = it->name;
    const QuantizedValue table = quantized_constant(*it, key.second, constant);
    const ValueId indices = graph_.node(id).inputs[1], output = graph_.node(id).outputs[0];
    const ValueId rows = graph_.add_value(name + "_rows");
    graph_.node(id).inputs[0] = table.integers;
    graph_.node(id).outputs[0] = rows;
    if (constant.params.is_per_tensor()) {
      QuantizedValue gathered = table;
      gathered.integers = rows;
      dequantize(gathered, name, output);
      continue;
    }
    // One scale a row: gathered as well, as a column, and multiplied in.
    const std::vector<float>& scales = constant.params.scale;
    const ValueId column = graph_.add_constant(
        constant.value + "_row_scale",
        Tensor::of<float>(Shape{static_cast<std::int64_t>(scales.size()), 1}, scales));
    const ValueId row_scale = graph_.add_value(name + "_row_scale");
    const ValueId real = graph_.add_value(name + "_rows_float");
    graph_.add_node(make_node(name + "_scale", "Gather", {column, indices}, row_scale));
    Node to_float = make_node(name + "_cast", "Cast", {rows}, real);
    to_float.attributes.set("to", onnx_code(DType::kF32));
    graph_.add_node(std::move(to_float));
    graph_.add_node(make_node(name + "_scaled", "Mul", {real, row_scale}, output));
  }
}

}  // namespace q8
