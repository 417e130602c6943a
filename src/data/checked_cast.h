#pragma once

#include "tensor/tensor.h"

namespace q8 {

// The same values as another element type. Unlike cast(), every value must survive: floats may only
// lose precision, a float becomes an integer only if it is whole, integers become floats only if
// they are exact there, bool takes 0 and 1, nothing may overflow. Throws bad_input with the first
// value that does not fit. The same type gives the same tensor back.
Tensor checked_cast(const Tensor& tensor, DType to);

}  // namespace q8
