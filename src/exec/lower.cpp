#include "exec/lower.h"

namespace q8 {

LoweredGraph lower(const Graph& graph, const SessionOptions&) {
  LoweredGraph lowered{.graph = graph, .origins = {}};
  lowered.origins.resize(graph.values().size());
  for (ValueId id = 0; id < graph.value_count(); ++id)
    lowered.origins[static_cast<std::size_t>(id)].value = id;
  return lowered;
}

}  // namespace q8
