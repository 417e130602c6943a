#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace q8 {

// The files in the working directory whose names end in `suffix`, sorted.
std::vector<std::filesystem::path> files_here(std::string_view suffix);

// The only file in the working directory whose name ends in `suffix`. Throws usage_error where
// there is none or several, saying which `command` makes one and which `option` names one.
std::filesystem::path only_file(std::string_view suffix, std::string_view command,
                                std::string_view option);

}  // namespace q8
