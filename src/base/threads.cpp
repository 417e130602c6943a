#include "base/threads.h"

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <optional>

namespace q8 {

struct Threads::Arena {
  explicit Arena(int count) : arena(count) {
    // TBB makes no more threads than there are cores, and says so on stderr, unless it is told.
    if (count > tbb::info::default_concurrency())
      limit.emplace(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count));
  }
  std::optional<tbb::global_control> limit;
  tbb::task_arena arena;
};

namespace {

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

Threads::Threads(int count) : count_(count > 0 ? count : usable_cores()) {
  if (count_ > 1) arena_ = std::make_unique<Arena>(count_);
}

Threads::~Threads() = default;

void Threads::together(const std::function<void()>& work) {
  if (!arena_) return work();
  arena_->arena.execute(work);
}

void Threads::run(std::int64_t size, std::int64_t grain, RangeFunction function, void* context) {
  // At most four chunks a thread: enough to even out, few enough that the overhead does not show.
  const std::int64_t most = 4 * static_cast<std::int64_t>(count_);
  const std::int64_t even = (size + most - 1) / most;
  const std::int64_t chunk = std::max({grain, even, std::int64_t{1}});
  const std::int64_t chunks = (size + chunk - 1) / chunk;
  arena_->arena.execute([&] {
    tbb::parallel_for(std::int64_t{0}, chunks, [&](std::int64_t i) {
      function(context, i * chunk, std::min(size, (i + 1) * chunk));
    });
  });
}

}  // namespace q8
