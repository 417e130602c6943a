#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "plan/coverage.h"
#include "plan/make_plan.h"

namespace q8 {

// How the constants of a node (weights, bias, table, numbers) are stored, by input position.
// `input_scale`: the scale of the activation that meets the weights, 0 where it is float.
// Where a bias would pass 2^31 that weight channel has its scale raised (docs/concepts.md), with a
// line in `warnings`. Throws bad_input for weights that are NaN or infinite.
std::map<std::size_t, ConstantPlan> plan_constants(const Graph& graph, const Node& node,
                                                   NodeMode mode, float input_scale,
                                                   const PlanConfig& config, const Target& target,
                                                   std::vector<std::string>& warnings);

// The bias of a MatMul that stands in an Add behind it, as runtimes join the two into a Gemm: s32
// with the scale of input times weights. `weights` may be raised as above. Nothing where `add`
// holds no such constant.
std::optional<std::pair<std::size_t, ConstantPlan>> plan_added_bias(
    const Graph& graph, const Node& matmul, const Node& add, float input_scale,
    QuantParams& weights, std::vector<std::string>& warnings);

}  // namespace q8
