#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// A quantized value and its parameters, as names in the graph that is being written.
struct QuantizedValue {
  ValueId integers = kNoValue;
  ValueId scale = kNoValue, zero_point = kNoValue;
  QuantParams params;
};

// What both formats do alike: a copy of the graph, with constants for parameters (shared where they
// are equal), quantized weights, and nodes that quantize and dequantize.
class Emitter {
 public:
  Emitter(const Graph& source, const QuantizationPlan& plan);

  Graph& graph() { return graph_; }
  const QuantizationPlan& plan() const { return plan_; }

  // Removes clamps that quantized ranges do: their producers make their results.
  void remove_absorbed();
  // The constant of `node` at `input` as integers; equal ones are made once.
  QuantizedValue quantized_constant(const Node& node, std::size_t input, const ConstantPlan& plan);
  // The integers that the plan has for a constant, or else rounds it to, within what the target's
  // sums hold.
  Tensor integers_of(const ConstantPlan& plan, const Tensor& constant) const;
  // Adds a QuantizeLinear of `value`; the result is named after `name`.
  QuantizedValue quantize(ValueId value, const QuantParams& params, const std::string& name);
  // Adds a DequantizeLinear that makes `output` (a new value where it is kNoValue).
  ValueId dequantize(const QuantizedValue& quantized, const std::string& name,
                     ValueId output = kNoValue);
  // Constants for scale and zero point of a tensor of that shape; none for the zero point of an s32
  // (it is 0).
  QuantizedValue parameters(const QuantParams& params, const std::string& name,
                            const Shape& tensor);
  // Tables read by Gather: integers are gathered, then dequantized.
  void emit_tables();

 private:
  ValueId shared_constant(const std::string& name, Tensor tensor);

  Graph graph_;
  const QuantizationPlan& plan_;
  std::map<std::string, ValueId> constants_;  // by type, shape and content
};

}  // namespace q8
