#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace q8 {

// Where samples come from: folders of images, .npy, .npz or ONNX test data sets, and a manifest (a
// text file with one file a line). docs/file-formats.md has the rules.
struct DataPaths {
  std::vector<std::filesystem::path> folders;
  std::optional<std::filesystem::path> manifest;
  std::optional<std::filesystem::path> labels;  // instead of the folder's labels.csv
  bool use_labels = true;                       // false: no sample has a label
  // preprocessor_config.json; where it is not given: beside the model, then in the first folder.
  std::optional<std::filesystem::path> preprocess;

  bool empty() const { return folders.empty() && !manifest; }
};

}  // namespace q8
