#include "plan/patterns.h"

#include <algorithm>

#include "base/error.h"
#include "q8/nearest_name.h"

namespace q8 {
bool matches_pattern(std::string_view pattern, std::string_view name) {
  // Greedy with one point to return to: the last *.
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t count) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& name : names) ranked.emplace_back(edit_distance(wanted, name), name);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i)
    nearest.push_back(ranked[i].second);
  return nearest;
}

std::vector<bool> match_patterns(std::span<const std::string> patterns,
                                 std::span<const std::string> names, std::string_view what) {
  std::vector<bool> matched(names.size(), false);
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!matches_pattern(pattern, names[i])) continue;
      any = true;
      matched[i] = true;
    }
    if (any) continue;
    std::string list;
    for (const std::string& name : nearest_names(pattern, names, 3))
      list += (list.empty() ? "" : ", ") + ("'" + name + "'");
    throw usage_error("no " + std::string(what) + " matches '" + pattern + "'; the nearest " +
                      "names are " + list);
  }
  return matched;
}

}  // namespace q8
