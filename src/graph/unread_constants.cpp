#include "graph/unread_constants.h"

namespace q8 {

void drop_unread_constants(Graph& graph) {
  const Uses uses(graph);
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (uses.consumers(id).empty() && !graph.is_output(id)) graph.value(id).constant.reset();
}

}  // namespace q8
