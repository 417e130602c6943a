#pragma once

#include <cstddef>
#include <span>

#include "graph/graph.h"
#include "plan/plan.h"
#include "plan/ranges.h"

namespace q8 {

// Whether input i of the node is a float tensor that may be float16 instead, together with the
// others and all of its outputs. False for every input of an operator that is left in float32.
bool takes_float16(const Node& node, std::size_t i);
bool has_float16_form(const Node& node);

// Marks the nodes of a graph that stay float and can be computed in float16: their type of
// operator can, and no value that they read or make leaves what float16 holds, by the profile's
// extrema. The others say in their reason why not.
//   rows  the plan's of this graph, in the order of its nodes
void plan_float16(const Graph& graph, const Ranges& ranges, std::span<NodePlan> rows);

}  // namespace q8
