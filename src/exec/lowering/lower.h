#pragma once

#include <vector>

#include "exec/session.h"
#include "graph/graph.h"

namespace q8 {

// What a value of the lowered graph is in the original one.
struct Origin {
  ValueId value = kNoValue;  // kNoValue: made by lowering alone
  std::vector<int> axes;  // axes[i]: the logical axis at physical position i; empty: the same order
};

// A graph that may hold operators of the internal domain "q8"; only a Session runs it, nobody saves
// it.
struct LoweredGraph {
  Graph graph;
  std::vector<Origin> origins;  // by value of `graph`
};

// Whether observers want to see a value: its original is in `keep`; and all such values.
bool is_shown(const LoweredGraph& lowered, ValueId value, const std::vector<ValueId>& keep);
std::vector<ValueId> shown_values(const LoweredGraph& lowered, const std::vector<ValueId>& keep);

// Brings the graph into the form that runs fastest; with options.optimize off it stays as it is.
// Constants that nobody reads any more are dropped.
LoweredGraph lower(Graph graph, const SessionOptions& options);

}  // namespace q8
