#include "exec/lower.h"

#include "exec/fuse_qdq.h"

namespace q8 {

LoweredGraph lower(const Graph& graph, const SessionOptions& options) {
  LoweredGraph lowered{.graph = graph, .origins = {}};
  if (options.optimize) fuse_qdq(lowered.graph, options.keep);
  lowered.origins.resize(lowered.graph.values().size());
  for (ValueId id = 0; id < graph.value_count(); ++id)
    lowered.origins[static_cast<std::size_t>(id)].value = id;
  return lowered;
}

}  // namespace q8
