#pragma once

#include "graph/graph.h"

namespace q8 {

// Gives QuantizeLinear and DequantizeLinear nodes that leave their zero point out one of zeros, so
// that its type says what the integers are: of output_dtype (else uint8) for QuantizeLinear, of the
// integers' own type for DequantizeLinear. Where that type is not known, the node stays as it is.
void complete_zero_points(Graph& graph);

}  // namespace q8
