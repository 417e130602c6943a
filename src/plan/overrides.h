#pragma once

#include <string_view>

#include "plan/make_plan.h"

namespace q8 {

// "PATTERN=OBSERVER" or "PATTERN=percentile:99.9". The last = counts, as names may hold others.
// Throws usage_error for other forms, observers that there are not, and percentiles outside
// 50…100.
ObserverFor parse_observer_for(std::string_view text);

// "PATTERN=u8", s8, u16, s16 or float. Throws usage_error for other forms and types.
TypeFor parse_type_for(std::string_view text);

// The integer type of an activation by its short name. Throws usage_error with the names.
DType activation_type(std::string_view name);

}  // namespace q8
