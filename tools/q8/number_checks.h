#pragma once

#include <CLI/CLI.hpp>

namespace q8::cli {

// For options that count something: --samples, --runs.
CLI::Validator whole_number(int least);

// For limits: neither infinite nor NaN, which every value or none would meet.
CLI::Validator finite_number();

}  // namespace q8::cli
