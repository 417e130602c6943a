#pragma once

#include <map>
#include <optional>

#include "graph/graph.h"
#include "plan/coverage.h"
#include "tensor/quant_params.h"

namespace q8 {

// What a Relu or Clip lets pass, ±infinity where it has no bound. Nothing for other nodes, and for
// a Clip whose bounds are computed.
std::optional<Range> clamp_bounds(const Graph& graph, const Node& node);

// What the absorbed clamps let pass, by the value that they make.
std::map<ValueId, Range> absorbed_bounds(const Graph& graph, const Coverage& coverage);

// Whether a tensor with that range, in 8 bits, can hold more than half a step beyond the bounds:
// then it does not do what the clamp does.
bool exceeds(const Range& range, const Range& bounds);

// The same of what the integers can hold.
bool exceeds(const QuantParams& params, const Range& bounds);

}  // namespace q8
