#pragma once

#include "q8/validate.h"

namespace q8 {

// The gates that were asked for, in a fixed order, each with the value that decided. Without a
// limit for the drop of top-1 it is kDefaultMaxDrop where there are labels; without labels there is
// no such gate. Throws bad_input where a gate that was asked for needs labels or class scores and
// there are none.
std::vector<Gate> judge(const Validation& validation, const GateLimits& limits);

inline constexpr double kDefaultMaxDrop = 0.01;

}  // namespace q8
