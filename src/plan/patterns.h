#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace q8 {

// Whether `name` matches a pattern in which * stands for any text (slashes too) and ? for one
// character.
bool matches_pattern(std::string_view pattern, std::string_view name);

// For each name, whether any pattern matches it. Throws usage_error for a pattern that matches
// nothing, with the nearest names; `what` says what the names are ("node").
std::vector<bool> match_patterns(std::span<const std::string> patterns,
                                 std::span<const std::string> names, std::string_view what);

// Up to `count` names, those of the smallest edit distance to `wanted` first.
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t count);

}  // namespace q8
