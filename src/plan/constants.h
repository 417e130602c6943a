#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "plan/coverage.h"
#include "plan/make_plan.h"

namespace q8 {

// How the constants of a node (weights, bias, table, numbers) are stored, by input position.
// `input_scale`: the scale of the activation that meets the weights, 0 where it is float.
// Where a bias would pass 2^31 the scale of that weight channel is raised (NUMERICS.md §1), with a
// line in `warnings`. Throws bad_input for weights that are NaN or infinite.
std::map<std::size_t, ConstantPlan> plan_constants(const Graph& graph, const Node& node,
                                                   NodeMode mode, float input_scale,
                                                   const PlanConfig& config, const Target& target,
                                                   std::vector<std::string>& warnings);

}  // namespace q8
