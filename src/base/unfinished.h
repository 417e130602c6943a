#pragma once

#include <filesystem>
#include <functional>

namespace q8 {

// A file or folder that is being made under a temporary name. abandon_output_files() of
// q8/output_file.h removes those that still live, for a program that ends without destructors.
class UnfinishedPath {
 public:
  // `make` creates it and returns its path; what it throws is passed on.
  explicit UnfinishedPath(const std::function<std::filesystem::path()>& make);
  // Removes it, with all that is in it, where it is there under this name still.
  ~UnfinishedPath();
  UnfinishedPath(const UnfinishedPath&) = delete;
  UnfinishedPath& operator=(const UnfinishedPath&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace q8
