#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace q8::cli {

// The subcommand or option that is nearest to the first argument nobody knows; empty where none is
// near.
std::string suggestion(const CLI::App& app, std::span<char*> arguments);

// The key of a configuration file, "quantize.observer", that is nearest to one that nobody knows;
// of a section alone, the nearest section.
std::string key_suggestion(const CLI::App& app, const std::string& key);

}  // namespace q8::cli
