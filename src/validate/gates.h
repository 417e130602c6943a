#pragma once

#include "q8/validate.h"

namespace q8 {

// The gates that were asked for, in a fixed order, each with the value that decided. Without a
// limit for the drop of top-1 it is kDefaultMaxDrop where there are labels; without labels there is
// no such gate. Throws bad_input where a gate that was asked for needs labels or class scores and
// there are none.
std::vector<Gate> judge(const Validation& validation, const GateLimits& limits);

// Whether a share reaches the least that is asked for. Shares are quotients of counts and limits of
// percentages, so both may be off by a rounding: 99.9 % is 0.9990000000000001 in doubles.
bool reaches(double value, double least);

inline constexpr double kDefaultMaxDrop = 0.01;

}  // namespace q8
