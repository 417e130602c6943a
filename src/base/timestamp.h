#pragma once

#include <string>

namespace q8 {

// The time of now in UTC, as in 2026-11-21T18:05:00Z; what SOURCE_DATE_EPOCH (seconds since 1970)
// says in its place, where it is set. Throws usage_error where that is no such number.
std::string utc_timestamp();

}  // namespace q8
