#pragma once

#include <string>

namespace q8::cli {

std::string version_text(bool verbose);

}  // namespace q8::cli
