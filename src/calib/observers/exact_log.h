#pragma once

#include <span>

namespace q8 {

// The natural logarithm of x > 0 from additions, multiplications and divisions in a fixed order, to
// within a few ulp: the C library's differs in the last bit between machines, and a threshold could
// tip over. x must be a normal number (at least DBL_MIN).
double exact_log(double x);

// The same of each of them, several at a time.
void exact_logs(std::span<double> numbers);

}  // namespace q8
