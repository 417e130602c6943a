#pragma once

#include <string>

#include "tensor/tensor.h"

namespace q8 {

// Empty where the two agree: same type and shape, integers equal, floats within
// |actual - expected| <= atol + rtol * |expected| with the tolerances of onnx.backend.test (NaN
// equals NaN). Otherwise what differs, and where.
std::string difference(const Tensor& actual, const Tensor& expected);

}  // namespace q8
