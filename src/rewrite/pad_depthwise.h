#pragma once

#include "graph/graph.h"
#include "plan/plan.h"

namespace q8 {

// Gives integer depthwise convolutions between two others as many channels as the plan's target
// reads at once, by zeros: in the weights that make the channels, and in those that read them. The
// results stay the same to the bit, for what new channels hold is multiplied by zero. Where that
// would be more than half as many again, or channels go elsewhere too, they stay as they are.
//   graph, plan  of apply_plan(); for a plan whose target takes any number nothing changes
void pad_depthwise_channels(Graph& graph, QuantizationPlan& plan);

}  // namespace q8
