#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace q8 {

// The fewest single-letter insertions, deletions and replacements that turn one word into the other
// (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The one of `names` (not empty) with the least distance to `name`; the first of equals.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace q8
