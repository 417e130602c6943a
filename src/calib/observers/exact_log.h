#pragma once

namespace q8 {

// The natural logarithm of x > 0 from additions, multiplications and divisions in a fixed order, to
// within a few ulp: the C library's differs in the last bit between machines, and a threshold could
// tip over.
double exact_log(double x);

}  // namespace q8
