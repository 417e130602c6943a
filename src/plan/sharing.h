#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/coverage.h"
#include "plan/ranges.h"
#include "plan/targets.h"

namespace q8 {

// For every value, the value whose range it takes: itself, or the widest one among those that have
// the same numbers because integer nodes only move them (docs/concepts.md).
// A Concat shares with its inputs, where the target asks for it; elsewhere those keep their own
// range, and the Concat requantizes them, that are much narrower and read by others as well, or
// whose range does what an absorbed clamp did (a Relu beside a branch with negative values). A line
// in `notes` says so, and names branches that are hardly seen at the Concat's scale.
std::vector<ValueId> share_ranges(const Graph& graph, const Coverage& coverage,
                                  const Ranges& ranges, const Target& target,
                                  std::vector<std::string>& notes);

}  // namespace q8
