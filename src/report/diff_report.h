#pragma once

#include <string>

#include "inspect/diff.h"

namespace q8 {

// What tells two models apart, for a terminal: at most twenty rows of a kind, and how many more.
std::string diff_text(const ModelDiff& diff, const std::string& a, const std::string& b);
// All of it, for machines (docs/file-formats.md).
std::string diff_json(const ModelDiff& diff, const std::string& a, const std::string& b);

}  // namespace q8
