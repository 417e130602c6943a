#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// Takes out of the bodies of Loop and Scan what gives the same in every iteration, so that a
// runtime computes it once: DequantizeLinear of weights that floats are computed with, and
// DynamicQuantizeLinear of values from outside. Bodies read the results from outside then. What
// integer products read stays beside them, since runtimes fuse within one graph; so do weights in
// blocks.
void lift_out_of_loops(Graph& graph, const QuantizationPlan& plan);

}  // namespace q8
