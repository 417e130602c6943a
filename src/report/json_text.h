#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace q8 {

// JSON as files and stdout hold it: indented, with a line break at its end. Names in it come from
// other files: bytes that are not UTF-8 are replaced.
std::string json_text(const nlohmann::ordered_json& json, int indent = 2);

}  // namespace q8
