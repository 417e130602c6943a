#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "plan/coverage.h"
#include "plan/ranges.h"

namespace q8 {

// For every value, the value whose range it takes: itself, or the widest one among those that have
// the same numbers because integer nodes only move them (NUMERICS.md §5).
// A Concat shares with its inputs, but for a much narrower one that others read as well: that one
// keeps its precision for them and is requantized by the Concat. A line in `notes` says so, and
// names branches that are hardly seen at the Concat's scale.
std::vector<ValueId> share_ranges(const Graph& graph, const Coverage& coverage,
                                  const Ranges& ranges, std::vector<std::string>& notes);

}  // namespace q8
