#pragma once

#include <CLI/CLI.hpp>

#include "q8/data.h"

namespace q8::cli {

// --data, --manifest, --labels and --preprocess, the same for every subcommand that reads samples.
void add_data_options(CLI::App& command, DataPaths& data);

// --mask, of those that calibrate or compare.
void add_mask_option(CLI::App& command, std::string& mask);

}  // namespace q8::cli
