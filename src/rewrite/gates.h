#pragma once

#include "rewrite/emitter.h"

namespace q8 {

// x · Sigmoid(x) and HardSwish between one DequantizeLinear and one QuantizeLinear are computed in
// float by runtimes that have no table for them. They become products of integers here: of x and of
// its gate, a value in [0, 1] that is quantized as well. The gate of HardSwish, clip(x/6 + ½, 0,
// 1), is x itself with a sixth of its scale, plus ½, where quantization does the clip.
void emit_gates(Emitter& emitter);

}  // namespace q8
