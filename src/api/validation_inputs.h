#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "api/model_file.h"
#include "calib/profile.h"
#include "q8/validate.h"

namespace q8 {

// What `q8 validate` works on, once everything that was not named is found.
struct ValidationInputs {
  ModelFile fp32;  // canonical
  ModelFile int8;  // as it stands in its file
  std::optional<CalibrationProfile> profile;
  std::filesystem::path profile_path;  // empty without a profile
  std::vector<std::filesystem::path>
      passed_over;  // profiles of other models, in the working folder
  // Whether the INT8 model says that it was made with that profile (or does not say).
  bool profile_matches = true;
};

// Throws usage_error where a model is neither named nor found, bad_input where the INT8 model says
// that it was made of another float model, or the profile that is named was.
ValidationInputs find_validation_inputs(const ValidateJob& job);

}  // namespace q8
