#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace q8 {

// The DType behind a code of ONNX's TensorProto.DataType, as attributes hold it (Cast's `to`).
// Throws unsupported for strings, complex numbers and floats of 8 bits or less.
DType element_type(std::int64_t onnx_code);

}  // namespace q8
