#pragma once

#include "calib/profile.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// What one run of a planned model takes, by counting: multiply-adds of layers with constant
// weights, and values that nodes make. In units of a float multiply-add; good for comparing plans
// of one graph, and the same on every machine.
double estimated_time(const Graph& graph, const CalibrationProfile& profile,
                      const QuantizationPlan& plan);

}  // namespace q8
