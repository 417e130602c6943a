#pragma once

#include <map>
#include <vector>

#include "exec/lowering/qdq_group.h"
#include "graph/graph.h"

namespace q8 {

// What constants that became float were made of.
using ByteConstants = std::map<ValueId, QuantizedInput>;

// Makes constants behind a DequantizeLinear float, after fuse_qdq(): those that no integer operator
// reads.
ByteConstants dequantize_constants(Graph& graph, const std::vector<ValueId>& keep);

// Lets float products (MatMul, Gemm, Conv of 1×1 channels last) whose large weights were bytes read
// these instead: a quarter of the memory, and the same results. The last pass, since others know
// weights as floats.
void use_byte_weights(Graph& graph, const ByteConstants& bytes);

}  // namespace q8
