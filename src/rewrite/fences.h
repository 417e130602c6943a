#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// What runtimes would make of a graph that q8 did not mean. A Max of one input keeps a value and
// hides where it comes from; an Identity would be taken away before anybody looks.

// Products that stay float must not read a DequantizeLinear directly: ONNX Runtime would take them
// for unfinished quantized ones and quantize their weights itself.
void fence_float_products(Graph& graph, const QuantizationPlan& plan);

// Integer products are parted from what ONNX Runtime would join them with to one product in float:
// a MatMul of matrices from an Add behind it of anything but an s32 bias, any product from a Relu
// or Clip whose result stays float, and from a QuantizeLinear that is not the only one to read it.
void fence_integer_products(Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
