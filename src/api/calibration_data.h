#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/model_file.h"
#include "calib/profile.h"
#include "data/dataset.h"
#include "q8/data.h"

namespace q8 {

// The data that the profile was made of. Throws bad_input naming a folder that is not there any
// more.
DataPaths data_of_profile(const CalibrationProfile& profile);

// The model that the profile was made of. Throws bad_input where it is not there any more.
std::filesystem::path model_of_profile(const CalibrationProfile& profile);

// Throws bad_input where the profile, which was read from `file`, was made of another model.
void check_same_model(const CalibrationProfile& profile, const std::filesystem::path& file,
                      const ModelFile& model);

// The preprocessing that calibration used; nothing where the data were no images.
std::optional<PreprocessConfig> preprocess_of_profile(const CalibrationProfile& profile);

// The samples of a profile, to be read again: opened when they are first asked for, as calibration
// opened them. All but first_sample() throw bad_input where that cannot be.
class CalibrationData {
 public:
  // `preprocess`: a file that says how, instead of the profile; it must say the same. Both
  // references must outlive the object.
  CalibrationData(const CalibrationProfile& profile, const ModelFile& model,
                  std::optional<std::filesystem::path> preprocess = {});

  const CalibrationProfile& profile() const { return profile_; }
  const Dataset& dataset() const;
  // Where in dataset() the sample is. Throws bad_input where it is not there any more.
  std::int64_t find(const CalibrationSample& sample) const;
  // Throws bad_input where what was read from there is not what calibration saw.
  void check_unchanged(const Sample& sample) const;
  // The inputs of the profile's first sample; nothing where it cannot be read as it was.
  std::optional<std::vector<Tensor>> first_sample() const;

 private:
  const CalibrationProfile& profile_;
  const ModelFile& model_;
  std::optional<std::filesystem::path> preprocess_;
  std::unordered_map<std::string_view, std::string_view> hashes_;  // by name, as calibration saw it
  mutable std::optional<Dataset> dataset_;
  mutable std::unordered_map<std::string_view, std::int64_t> index_;  // by name
};

}  // namespace q8
