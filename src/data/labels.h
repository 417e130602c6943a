#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/data_files.h"

namespace q8 {

// One sample of a dataset: a file, or a row of its arrays.
struct DataItem {
  std::string name;
  std::size_t file = 0;   // index into DataFiles::files
  std::int64_t row = -1;  // −1: the file is one sample
  std::optional<std::int64_t> label;
};

// Sets the labels of the items from the sources that dataset.h lists, and returns the names of the
// classes (empty where nothing names them). `labels` stands instead of the folders' labels.csv.
std::vector<std::string> assign_labels(std::vector<DataItem>& items, const DataFiles& files,
                                       const std::vector<std::filesystem::path>& folders,
                                       const std::optional<std::filesystem::path>& labels);

}  // namespace q8
