#include "ops/element_type.h"

#include <string>

#include "base/error.h"
#include "tensor/onnx_type.h"

namespace q8 {
DType element_type(std::int64_t onnx_code) {
  if (const auto dtype = dtype_of_onnx(onnx_code)) return *dtype;
  throw unsupported("element type number " + std::to_string(onnx_code) +
                    " of ONNX is not supported");
}

}  // namespace q8
