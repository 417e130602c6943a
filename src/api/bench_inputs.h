#pragma once

#include <vector>

#include "graph/graph.h"
#include "q8/bench.h"

namespace q8 {

// Inputs for a model that has no data at hand, in the order of the graph's inputs: the same on
// every machine. Shapes are those of the job, else the model's with open dimensions 1 (the first
// one the job's batch). Throws usage_error for a shape that names no input or does not fit, and for
// a batch that the model does not take.
std::vector<Tensor> bench_inputs(const Graph& graph, const BenchJob& job);

}  // namespace q8
