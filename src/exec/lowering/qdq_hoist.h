#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// QuantizeLinear comes before what only moves or picks values: Concat, MaxPool, Resize to the
// nearest. Every result keeps its bits, since rounding is monotonic and done value by value; but
// the operator then moves bytes, and what made the values makes bytes at once. Where that is a
// function of one quantized value, each QuantizeLinear gets a copy of its own, which becomes a
// table. Products and averages keep their float results: with a QuantizeLinear behind them they
// would be requantized, in another order of roundings. Returns how many were moved.
int hoist_quantize(Graph& graph, const std::vector<ValueId>& keep);

}  // namespace q8
