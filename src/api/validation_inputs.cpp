#include "api/validation_inputs.h"

#include <algorithm>

#include "api/calibration_data.h"
#include "api/provenance.h"
#include "api/working_folder.h"
#include "base/error.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_ending(std::string_view suffix) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator("."))
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(suffix))
      found.push_back(entry.path().filename());
  std::ranges::sort(found);
  return found;
}

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

// Of several profiles, the one that the INT8 model was made with.
fs::path choose_profile(const std::vector<fs::path>& found, const std::string& wanted) {
  for (const fs::path& path : found)
    if (!wanted.empty() && load_profile(path).sha256() == wanted) return path;
  return {};
}

}  // namespace

ValidationInputs find_validation_inputs(const ValidateJob& job) {
  fs::path profile_path = job.calibration;
  const std::vector<fs::path> found = files_ending(".q8cal");
  if (profile_path.empty() && found.size() == 1) profile_path = found[0];
  if (profile_path.empty() && job.fp32.empty())
    profile_path = only_file(".q8cal", "q8 calibrate", "--calibration, or name the models");
  ValidationInputs inputs;
  if (!profile_path.empty()) inputs.profile = load_profile(profile_path);
  const fs::path fp32_path = job.fp32.empty() ? model_of_profile(*inputs.profile) : job.fp32;
  inputs.fp32 = open_model(fp32_path);
  inputs.int8 = open_model_as_is(job.int8.empty() ? find_int8(fp32_path) : job.int8);
  check_source(inputs.fp32, inputs.int8);

  const std::string wanted = find_metadata(inputs.int8.model.metadata, provenance::kProfile);
  if (profile_path.empty()) {
    profile_path = choose_profile(found, wanted);
    if (!profile_path.empty()) inputs.profile = load_profile(profile_path);
  }
  inputs.profile_path = profile_path;
  if (inputs.profile) inputs.profile_matches = wanted.empty() || inputs.profile->sha256() == wanted;
  return inputs;
}

}  // namespace q8
