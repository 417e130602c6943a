#pragma once

#include "ops/operator.h"
#include "tensor/half_type.h"

namespace q8 {

// The function, for float16 and bfloat16 as well: such inputs become float before it runs, and its
// float outputs become the type of the first such input afterwards. The one place where 16-bit
// floats are cast for computing.
OpFunction computing_half_in_float(OpFunction function);

}  // namespace q8
