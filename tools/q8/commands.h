#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

#include "console.h"

namespace q8::cli {

// What a subcommand does once its options are parsed; the result is the exit code: 0, or 4 where a
// gate failed.
using CommandRun = std::function<int(Console&)>;

// One subcommand. `add` declares its options and returns what runs it.
struct CommandRow {
  const char* name;
  const char* help;
  CommandRun (*add)(CLI::App& command);
};

std::span<const CommandRow> commands();

// One file each: cmd_<name>.cpp.
CommandRun add_calibrate(CLI::App& command);
CommandRun add_quantize(CLI::App& command);
CommandRun add_validate(CLI::App& command);
CommandRun add_inspect(CLI::App& command);
CommandRun add_diff(CLI::App& command);
CommandRun add_bench(CLI::App& command);
CommandRun add_run(CLI::App& command);

}  // namespace q8::cli
