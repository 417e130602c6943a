#pragma once

#include <filesystem>

#include "q8/host.h"

namespace q8 {

// One run of a model on arrays from a file. Both files are .npz, their arrays named as the model's
// inputs and outputs.
struct RunJob {
  std::filesystem::path model, inputs, output;
  bool optimize = true;  // off: every node runs as it stands in the file
};

// Throws Error: bad_input for arrays that are missing or do not fit, naming the input.
void run_model(const RunJob& job, const Host& host);

}  // namespace q8
