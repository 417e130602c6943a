#include "api/validation_inputs.h"

#include <algorithm>

#include "api/calibration_data.h"
#include "api/provenance.h"
#include "api/working_folder.h"
#include "base/error.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

fs::path find_int8(const fs::path& fp32) {
  const fs::path usual = fp32.stem().string() + ".int8.onnx";
  return fs::exists(usual) ? usual
                           : only_file(".int8.onnx", "q8 quantize", "the arguments FLOAT INT8");
}

std::string short_hash(const std::string& sha256) {
  return sha256.substr(0, 12) + "…";
}

void check_source(const ModelFile& fp32, const ModelFile& int8) {
  const std::string source = find_metadata(int8.model.metadata, provenance::kSourceModel);
  if (source.empty() || source == fp32.sha256) return;
  throw bad_input(int8.path.filename().string() + " was made of another model (SHA-256 " +
                  short_hash(source) + ") than " + fp32.path.string() + " (" +
                  short_hash(fp32.sha256) + ")");
}

// The profile in the working directory that the INT8 model was made with, else the only one that
// was made of the float model; those of other models are passed over.
void find_profile_here(const std::string& wanted, ValidationInputs& inputs) {
  std::vector<std::pair<fs::path, CalibrationProfile>> of_model;
  for (const fs::path& path : files_here(".q8cal")) {
    CalibrationProfile profile = load_profile(path);
    if (profile.model.sha256 == inputs.fp32.sha256)
      of_model.emplace_back(path, std::move(profile));
    else
      inputs.passed_over.push_back(path);
  }
  auto chosen = std::ranges::find_if(
      of_model, [&](const auto& found) { return found.second.sha256() == wanted; });
  if (chosen == of_model.end() && of_model.size() == 1) chosen = of_model.begin();
  if (chosen == of_model.end()) return;
  inputs.profile_path = chosen->first;
  inputs.profile = std::move(chosen->second);
}

}  // namespace

ValidationInputs find_validation_inputs(const ValidateJob& job) {
  ValidationInputs inputs;
  inputs.profile_path = job.calibration;
  if (job.calibration.empty() && job.fp32.empty())
    inputs.profile_path = only_file(".q8cal", "q8 calibrate", "--calibration, or name the models");
  if (!inputs.profile_path.empty()) inputs.profile = load_profile(inputs.profile_path);
  const fs::path fp32_path = job.fp32.empty() ? model_of_profile(*inputs.profile) : job.fp32;
  inputs.fp32 = open_model(fp32_path);
  if (inputs.profile) check_same_model(*inputs.profile, inputs.profile_path, inputs.fp32);
  inputs.int8 = open_model_as_is(job.int8.empty() ? find_int8(fp32_path) : job.int8);
  check_source(inputs.fp32, inputs.int8);

  const std::string wanted = find_metadata(inputs.int8.model.metadata, provenance::kProfile);
  if (!inputs.profile) find_profile_here(wanted, inputs);
  if (inputs.profile) inputs.profile_matches = wanted.empty() || inputs.profile->sha256() == wanted;
  return inputs;
}

}  // namespace q8
