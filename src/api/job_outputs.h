#pragma once

#include <filesystem>
#include <vector>

#include "calib/profile.h"
#include "q8/data.h"
#include "q8/output_file.h"

namespace q8 {

// check_outputs() for a job that also reads samples: no output may be one of them, or a file that
// lists or labels them. Throws bad_input too, where an output is there already and the data cannot
// be listed.
void check_job_outputs(const std::vector<OutputFile>& outputs, const DataPaths& data,
                       std::vector<std::filesystem::path> inputs);

// The same for the samples that a profile was made of, as far as they are still where they were.
void check_samples_kept(const std::vector<OutputFile>& outputs, const CalibrationProfile& profile);

}  // namespace q8
