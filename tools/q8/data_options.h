#pragma once

#include <CLI/CLI.hpp>

#include "q8/data.h"

namespace q8::cli {

// --data, --manifest, --labels and --preprocess, the same for every subcommand that reads samples.
void add_data_options(CLI::App& command, DataPaths& data);

}  // namespace q8::cli
