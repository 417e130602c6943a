#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// What runtimes would make of a graph that q8 did not mean. A Max of one input keeps a value and
// hides where it comes from; an Identity would be taken away before anybody looks.

// Products that stay float must not read a DequantizeLinear directly: ONNX Runtime would take them
// for unfinished quantized ones and quantize their weights itself.
void fence_float_products(Graph& graph, const QuantizationPlan& plan);

// ONNX Runtime joins a MatMul of matrices and the Add behind it to a Gemm, which computes in float
// unless the addend is an s32 bias: integer MatMuls are parted from an Add of anything else.
void fence_sums(Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
