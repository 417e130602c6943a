#pragma once

#include "tensor/dtype.h"

namespace q8 {

// Floats of 16 bits, which are computed with in 32.
inline bool is_half(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16;
}

}  // namespace q8
