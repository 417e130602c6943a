#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace q8::cli {

// The subcommand or option that is nearest to the first argument nobody knows; empty where none is
// near.
std::string suggestion(const CLI::App& app, std::span<char*> arguments);

}  // namespace q8::cli
