#pragma once

#include "graph/graph.h"

namespace q8 {

// Makes a model in 16-bit floats one in FP32, bodies included. Its inputs and outputs keep their
// types, and are converted on the way in and out; all other values keep their names. Runtimes
// quantize 32-bit floats (QuantizeLinear reads no others before opset 19), and CPUs compute 16 bits
// in FP32 anyway. Returns whether there was anything to do.
bool widen_half(Graph& graph);

}  // namespace q8
