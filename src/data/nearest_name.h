#pragma once

#include <span>
#include <string_view>

namespace q8 {

// The one of `names` (not empty) that takes the fewest single-letter changes to become `name`
// (Levenshtein distance); the first of equals.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace q8
