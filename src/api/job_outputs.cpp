#include "api/job_outputs.h"

#include <algorithm>

#include "base/error.h"
#include "data/data_files.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const DataPaths& data) {
  std::vector<fs::path> files;
  for (const DataFile& file : find_data_files(data.folders, data.manifest).files)
    files.push_back(file.path);
  for (const fs::path& folder : data.folders)
    for (const char* name : {"labels.csv", "classes.txt"}) files.push_back(folder / name);
  return files;
}

}  // namespace

void check_job_outputs(const std::vector<OutputFile>& outputs, const DataPaths& data,
                       std::vector<fs::path> inputs) {
  for (const auto& file : {data.manifest, data.labels, data.preprocess})
    if (file) inputs.push_back(*file);
  // Samples may be many, and only a file that is there can be one of them.
  const bool may_be_data = std::ranges::any_of(outputs, [](const OutputFile& output) {
    std::error_code ignored;  // opening it will say why
    return !output.path.empty() && fs::exists(output.path, ignored);
  });
  if (may_be_data && !data.empty()) {
    const std::vector<fs::path> files = files_of(data);
    inputs.insert(inputs.end(), files.begin(), files.end());
  }
  check_outputs(outputs, inputs);
}

void check_samples_kept(const std::vector<OutputFile>& outputs, const CalibrationProfile& profile) {
  for (const DataSource& source : profile.sources) {
    try {
      check_job_outputs(outputs,
                        {.folders = source.folders,
                         .manifest = source.manifest,
                         .labels = source.labels,
                         .preprocess = {}},
                        {});
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
    }
  }
}

}  // namespace q8
