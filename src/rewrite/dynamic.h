#pragma once

#include "rewrite/emitter.h"

namespace q8 {

// Nodes whose plan says kDynamic: their input is quantized while the model runs, by its own range,
// and multiplied with s8 weights in integers. MatMul x·W (and Gemm, with its bias added) becomes
//   DynamicQuantizeLinear(x) → q, s, z;  MatMulInteger(q, W, z) · (s · scale of W)
// in the order of operations that ONNX Runtime fuses to one node; Conv the same with ConvInteger;
// LSTM com.microsoft DynamicQuantizeLSTM. Values that several read are quantized once.
void emit_dynamic(Emitter& emitter);

}  // namespace q8
