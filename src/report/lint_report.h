#pragma once

#include <string>

#include "inspect/lint.h"

namespace q8 {

// What lint() found, for a terminal: at most twenty findings of each rule, and how many more.
std::string lint_text(const LintResult& result, const Target& target, const std::string& file);
// All of it, for machines (docs/file-formats.md).
std::string lint_json(const LintResult& result, const Target& target, const std::string& file);

}  // namespace q8
