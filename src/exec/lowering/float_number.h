#pragma once

#include "graph/graph.h"

namespace q8 {

// The float of a constant that holds one and, of rank 0 or 1, widens nothing by broadcasting;
// nullptr for every other value.
inline const float* float_number(const Graph& graph, ValueId id) {
  const Tensor* constant = graph.constant(id);
  return constant != nullptr && constant->dtype() == DType::kF32 && constant->size() == 1 &&
                 constant->rank() <= 1
             ? constant->data<float>()
             : nullptr;
}

}  // namespace q8
