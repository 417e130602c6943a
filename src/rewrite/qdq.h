#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// The QDQ form of apply_plan.
Graph emit_qdq(const Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
