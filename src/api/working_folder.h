#pragma once

#include <filesystem>

namespace q8 {

// The only file in the working directory whose name ends in `suffix`. Throws usage_error where
// there is none or several, saying which `command` makes one and which `option` names one.
std::filesystem::path only_file(std::string_view suffix, std::string_view command,
                                std::string_view option);

}  // namespace q8
