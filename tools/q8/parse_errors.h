#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace q8::cli {

// Whether --help stands on the command line, whatever else is wrong there or in a file of options.
bool asks_for_help(const CLI::App& app);

// What the parser found wrong, in one line: its own words speak of types and counts.
std::string message_of(const CLI::App& app, const CLI::ParseError& error,
                       std::span<char*> arguments);

}  // namespace q8::cli
