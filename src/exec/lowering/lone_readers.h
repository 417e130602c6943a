#pragma once

#include <vector>

#include "graph/graph.h"

namespace q8 {

// Which node alone reads a value, for fusions: with it the value goes away. A snapshot, as Uses is.
class LoneReaders {
 public:
  // `keep`: values that must stay although one node reads them.
  LoneReaders(const Graph& graph, const std::vector<ValueId>& keep)
      : uses_(graph), kept_(graph.values().size(), false) {
    for (const ValueId id : keep) kept_[static_cast<std::size_t>(id)] = true;
  }

  // kNoNode: none, several, the value is an output of the graph or kept.
  NodeId of(ValueId value) const {
    return kept_[static_cast<std::size_t>(value)] ? kNoNode : uses_.only_consumer(value);
  }
  NodeId producer(ValueId value) const { return uses_.producer(value); }
  const std::vector<NodeId>& all_of(ValueId value) const { return uses_.consumers(value); }

 private:
  Uses uses_;
  std::vector<bool> kept_;
};

}  // namespace q8
