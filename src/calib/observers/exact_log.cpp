#include "calib/observers/exact_log.h"

#include <cmath>

namespace q8 {

// x = m · 2^e with m in [√½, √2); log m = 2 artanh(s), s = (m − 1) / (m + 1), |s| < 0.172: terms
// beyond s^23 are below 2^-53 of the first.
double exact_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return 2 * s * series + 0.69314718055994531 * exponent;
}

}  // namespace q8
