#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "tensor/tensor.h"

namespace q8 {

// The arrays of the .npy and .npz files read last, so that samples taken one after the other do not
// read their file again, and memory does not grow with the number of files. Thread-safe.
class ArrayCache {
 public:
  using Arrays = std::map<std::string, Tensor>;

  // Reads the file unless it is among the last `kFiles`. The one array of a .npy has the name "".
  std::shared_ptr<const Arrays> get(const std::filesystem::path& path);

 private:
  static constexpr std::size_t kFiles = 2;  // two threads at the border of two files
  std::mutex mutex_;
  std::list<std::pair<std::filesystem::path, std::shared_ptr<const Arrays>>> recent_;
};

}  // namespace q8
