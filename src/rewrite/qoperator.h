#pragma once

#include "graph/graph.h"

namespace q8 {

// Turns the groups of a QDQ graph (dequantize, compute, quantize) into integer operators of
// standard ONNX, in place: Conv → QLinearConv, MatMul → QLinearMatMul, products with float results
// and Gemm → MatMulInteger with its scale (and bias) behind it, and operators that only move values
// → the same on integers, where input and output have the same parameters. What standard ONNX has
// no integer operator for (Add, pools …) keeps its DequantizeLinear and QuantizeLinear.
// Returns how many nodes became integer operators.
int fuse_qdq_groups(Graph& graph);

}  // namespace q8
