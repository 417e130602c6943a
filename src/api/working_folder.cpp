#include "api/working_folder.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {

std::vector<std::filesystem::path> files_here(std::string_view suffix) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator("."))
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(suffix))
      found.push_back(entry.path().filename());
  std::ranges::sort(found);
  return found;
}

std::filesystem::path only_file(std::string_view suffix, std::string_view command,
                                std::string_view option) {
  const std::vector<std::filesystem::path> found = files_here(suffix);
  if (found.size() == 1) return found[0];
  const std::string wanted = "name one with " + std::string(option);
  if (found.empty())
    throw usage_error("no *" + std::string(suffix) + " in the working directory: " +
                      std::string(command) + " makes one, or " + wanted);
  std::string names;
  for (const auto& path : found) names += (names.empty() ? "" : ", ") + path.string();
  throw usage_error("several *" + std::string(suffix) + " in the working directory (" + names +
                    "); " + wanted);
}

}  // namespace q8
