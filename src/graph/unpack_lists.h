#pragma once

#include "graph/graph.h"

namespace q8 {

// q8 has no values that are lists of tensors. Exporters write one where a tensor is only split: a
// SplitToSequence of constant lengths, read by nothing but SequenceAt of constant positions. Those
// parts become slices of the tensor, bodies included; other lists stay, with their operators.
void unpack_lists(Graph& graph);

}  // namespace q8
