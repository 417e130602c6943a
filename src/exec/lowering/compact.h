#pragma once

#include "exec/lowering/lower.h"

namespace q8 {

// Renumbers the values, so that those that fusing left without maker and reader take no memory: of
// a quantized model they are two out of three. Graphs with bodies stay as they are.
void compact(LoweredGraph& lowered);

}  // namespace q8
