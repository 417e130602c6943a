#pragma once

#include <string_view>

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

enum class Format {
  kQdq,        // QuantizeLinear/DequantizeLinear around float operators: what runtimes fuse
  kQOperator,  // QLinearConv, QLinearMatMul and the operators that take u8 as they are
};

// Throws usage_error for other names than qdq and qoperator.
Format find_format(std::string_view name);

// Writes the plan into a copy of the graph it was made for, bodies included (opset raised to 13
// where it is older). The result is verified and in topological order; its inputs and outputs keep
// names and types; float weights that nothing reads any more are gone. The same arguments give the
// same graph. Throws bad_input where the plan names what the graph has not, unsupported where the
// opset cannot be raised.
Graph apply_plan(const Graph& graph, const QuantizationPlan& plan, Format format);

}  // namespace q8
