#pragma once

#include <cmath>
#include <cstdint>

namespace q8 {

// The one rounding rule of q8: to the nearest integer, ties to even, as ONNX QuantizeLinear asks.
// nearbyint follows the FP environment, which q8 never changes from the default (nearest, ties to
// even).
inline float round_half_even(float x) {
  return std::nearbyint(x);
}
inline double round_half_even(double x) {
  return std::nearbyint(x);
}

}  // namespace q8
