#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// Computes the nodes that the plan marks in float16, in place: their constants are stored as
// float16, and a Cast stands wherever a value passes between them and the rest. Inputs and outputs
// of the graph keep their types.
void emit_float16_islands(Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
