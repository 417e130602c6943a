#pragma once

#include <string>
#include <string_view>

#include "plan/make_plan.h"

namespace q8 {

// "OBSERVER", "percentile:99.9" or "auto:16" (the weight of clipping), for all values. Throws
// usage_error for observers that there are not, and numbers outside 50…100 and 0…1000000; `where`
// stands in front of its message.
ObserverFor parse_observer(std::string_view text, const std::string& where);

// "PATTERN=OBSERVER" with an observer as above. The last = counts, as names may hold others.
ObserverFor parse_observer_for(std::string_view text);

// "PATTERN=u8", s8, u16, s16 or float. Throws usage_error for other forms and types.
TypeFor parse_type_for(std::string_view text);

// The integer type of an activation by its short name. Throws usage_error with the names.
DType activation_type(std::string_view name);

}  // namespace q8
