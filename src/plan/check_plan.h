#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// Fits a plan that was read, and perhaps edited, to the graph it is for: constants of nodes that
// became float are dropped, and clamps that they had absorbed are computed again. Throws bad_input
// for names that the graph has not (with the nearest ones), nodes without a row or with two,
// parameters of another shape than the constant, and modes that the node cannot have with the
// parameters there are.
//   graph  canonical, as for make_plan
void check_plan(const Graph& graph, QuantizationPlan& plan);

// Throws usage_error naming the first tensor whose type the result's opset does not have: 16 and 4
// bits, and blocks, came with opset 21.
void check_opset(const Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
