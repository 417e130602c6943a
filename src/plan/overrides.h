#pragma once

#include <string_view>

#include "plan/make_plan.h"

namespace q8 {

// "PATTERN=OBSERVER" or "PATTERN=percentile:99.9". The last = counts, as names may hold others.
// Throws usage_error for other forms, observers that there are not, and percentiles outside
// 50…100.
ObserverFor parse_observer_for(std::string_view text);

// "PATTERN=u8", "PATTERN=s8" or "PATTERN=float". Throws usage_error for other forms and types.
TypeFor parse_type_for(std::string_view text);

}  // namespace q8
