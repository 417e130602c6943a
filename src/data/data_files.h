#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace q8 {

enum class DataKind { kImage, kNpy, kNpz, kTestData };
std::string_view data_kind_name(DataKind kind);  // "images", ".npy arrays", …

struct DataFile {
  std::filesystem::path path;  // of a test data set: its folder
  std::string name;            // what it is called in messages and labels
  std::string name_in_folder;  // relative to the folder it was found in
  std::string class_folder;    // the sub-folder it lies in; empty at the top of its folder
  std::size_t folder = 0;      // which of the folders; the number of folders for the manifest
};

struct DataFiles {
  DataKind kind = DataKind::kImage;
  std::vector<DataFile> files;  // folder by folder, sorted by name in each
};

// All samples' files in the folders and the manifest, as dataset.h describes them. Throws bad_input
// where there are none, where kinds are mixed and where a file comes twice.
DataFiles find_data_files(const std::vector<std::filesystem::path>& folders,
                          const std::optional<std::filesystem::path>& manifest);

}  // namespace q8
