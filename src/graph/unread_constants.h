#pragma once

#include "graph/graph.h"

namespace q8 {

// Constants that no node reads, and that are no output, are forgotten.
void drop_unread_constants(Graph& graph);

}  // namespace q8
