#include "base/unfinished.h"

#include <memory>
#include <mutex>
#include <set>

#include "q8/output_file.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

// Of the process, as the files are: whoever ends it has no other way to know of them. Never
// destroyed, since other threads may work until the very end.
struct Unfinished {
  std::mutex mutex;
  std::set<fs::path> paths;
};

Unfinished& unfinished() {
  static Unfinished& all = *std::make_unique<Unfinished>().release();
  return all;
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

UnfinishedPath::UnfinishedPath(const std::function<fs::path()>& make) {
  const std::scoped_lock lock(unfinished().mutex);
  path_ = make();
  unfinished().paths.insert(fs::absolute(path_));
}

UnfinishedPath::~UnfinishedPath() {
  if (path_.empty()) return;
  const std::scoped_lock lock(unfinished().mutex);
  remove_quietly(path_);
  unfinished().paths.erase(fs::absolute(path_));
}

void abandon_output_files() {
  unfinished().mutex.lock();  // and never unlocked: nothing is begun any more
  for (const fs::path& path : unfinished().paths) remove_quietly(path);
}

}  // namespace q8
