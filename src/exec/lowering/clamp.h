#pragma once

#include <optional>

#include "graph/graph.h"

namespace q8 {

struct Clamp {
  float low, high;  // infinite where there is no bound
};

// What a Relu, or a Clip with constant bounds, leaves of its input; nothing for other nodes.
std::optional<Clamp> clamp_of(const Graph& graph, const Node& node);

}  // namespace q8
