#include "api/calibration_data.h"

#include "base/error.h"

namespace q8 {

namespace fs = std::filesystem;

DataPaths data_of_profile(const CalibrationProfile& profile) {
  if (profile.sources.empty())
    throw bad_input("the profile does not say where its data is; name data with --data");
  if (profile.sources.size() > 1)
    throw bad_input("the profile was made of several data sets; name one with --data");
  const DataSource& source = profile.sources[0];
  const auto must_exist = [](const fs::path& path, const std::string& what) {
    if (!fs::exists(path))
      throw bad_input(path.string() + ": the " + what +
                      " that calibration read is not there; name data with --data");
  };
  for (const fs::path& folder : source.folders) must_exist(folder, "folder");
  if (source.manifest) must_exist(*source.manifest, "manifest");
  if (source.labels) must_exist(*source.labels, "file of labels");
  return {.folders = source.folders,
          .manifest = source.manifest,
          .labels = source.labels,
          .preprocess = {}};
}

fs::path model_of_profile(const CalibrationProfile& profile) {
  const fs::path& path = profile.model.path;
  if (fs::exists(path)) return path;
  throw bad_input(path.string() +
                  ": the model that the profile was made of is not there any more; name the model");
}

void check_same_model(const CalibrationProfile& profile, const fs::path& file,
                      const ModelFile& model) {
  if (profile.model.sha256 == model.sha256) return;
  throw bad_input((file.empty() ? "the profile" : file.string()) + " was made of another model (" +
                  profile.model.path.string() + ", SHA-256 " + profile.model.sha256.substr(0, 12) +
                  "…) than " + model.path.string() + " (" + model.sha256.substr(0, 12) + "…)");
}

std::optional<PreprocessConfig> preprocess_of_profile(const CalibrationProfile& profile) {
  if (profile.preprocess.empty()) return std::nullopt;
  return parse_preprocess_line(profile.preprocess);
}

CalibrationData::CalibrationData(const CalibrationProfile& profile, const ModelFile& model,
                                 std::optional<fs::path> preprocess)
    : profile_(profile), model_(model), preprocess_(std::move(preprocess)) {
  for (const CalibrationSample& sample : profile.samples)
    hashes_.emplace(sample.name, sample.sha256);
}

const Dataset& CalibrationData::dataset() const {
  if (dataset_) return *dataset_;
  std::optional<PreprocessConfig> config = preprocess_of_profile(profile_);
  if (config && preprocess_ && read_preprocess_config(*preprocess_).str() != profile_.preprocess)
    throw bad_input(preprocess_->string() +
                    ": the samples would be preprocessed in another way than calibration did");
  dataset_ = open_data(data_of_profile(profile_), model_, std::move(config));
  for (std::int64_t i = 0; i < dataset_->size(); ++i) index_.emplace(dataset_->name(i), i);
  return *dataset_;
}

std::int64_t CalibrationData::find(const CalibrationSample& sample) const {
  dataset();
  const auto at = index_.find(sample.name);
  if (at == index_.end())
    throw bad_input("the sample '" + sample.name + "' that calibration saw is not in its folder");
  return at->second;
}

void CalibrationData::check_unchanged(const Sample& sample) const {
  const auto seen = hashes_.find(sample.name);
  if (seen == hashes_.end() || seen->second != sample.sha256)
    throw bad_input("the sample '" + sample.name + "' has changed since calibration saw it");
}

std::optional<std::vector<Tensor>> CalibrationData::first_sample() const {
  if (profile_.samples.empty()) return std::nullopt;
  try {
    Sample sample = dataset().sample(find(profile_.samples[0]));
    check_unchanged(sample);
    return std::move(sample.inputs);
  } catch (const Error&) {  // the data has moved
    return std::nullopt;
  }
}

}  // namespace q8
