#pragma once

#include <cstdint>
#include <optional>

#include "tensor/dtype.h"

namespace q8 {

// Element types by their numbers in ONNX's TensorProto.DataType, as tensors in files and attributes
// (Cast's `to`) have them. Nothing for those that q8 does not hold: strings, complex numbers,
// floats of 8 bits or less.
std::optional<DType> dtype_of_onnx(std::int64_t code);
std::int64_t onnx_code(DType dtype);

}  // namespace q8
