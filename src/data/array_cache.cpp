#include "data/array_cache.h"

#include <algorithm>

#include "data/npy.h"
#include "data/npz.h"

namespace q8 {

std::shared_ptr<const ArrayCache::Arrays> ArrayCache::get(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find_if(recent_, [&](const auto& e) { return e.first == path; });
  if (it != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, it);
    return recent_.front().second;
  }
  if (recent_.size() >= kFiles) recent_.pop_back();  // before reading: two large files, not three
  Arrays arrays;
  if (path.extension() == ".npz")
    arrays = read_npz(path);
  else
    arrays.emplace("", read_npy(path));
  recent_.emplace_front(path, std::make_shared<const Arrays>(std::move(arrays)));
  return recent_.front().second;
}

}  // namespace q8
