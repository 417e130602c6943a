#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/isa.h"

namespace q8 {
namespace {

// A loop of a network's layer takes 5 to 50 µs, and waking a sleeping thread as long as one: who
// waits shorter than this does it awake.
constexpr std::chrono::microseconds kAwake{50};

constexpr std::size_t kCacheLine = 64;

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// Waits until done(), but not longer than kAwake. Yields to nobody: a program of the lowest
// priority would keep the core for milliseconds, and the other core meanwhile does all the work.
template <typename Condition>
bool wait_awake(Condition&& done) {
  const auto end = std::chrono::steady_clock::now() + kAwake;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause_core();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

// One loop at a time is open. Its caller and the workers that come in time take chunks until none
// is left; then the caller closes it and waits for the workers inside. A worker that comes too late
// (it slept, or there are more threads than cores) finds it closed: nobody waits for it.
class Threads::Team {
 public:
  explicit Team(int count)
      : shares_(static_cast<std::size_t>(count)), waits_awake_(count <= usable_cores()) {}

  ~Team() {
    stopping_ = true;
    announce();
    for (std::thread& worker : workers_) worker.join();
  }

  void run(std::int64_t size, std::int64_t chunk, RangeFunction function, void* context) {
    if (busy_.exchange(true)) return function(context, 0, size);
    if (workers_.size() + 1 < shares_.size()) start_workers();
    function_ = function;
    context_ = context;
    size_ = size;
    chunk_ = chunk;
    const std::int64_t chunks = (size + chunk - 1) / chunk;
    const auto count = static_cast<std::int64_t>(shares_.size());
    for (std::int64_t i = 0; i < count; ++i) {
      shares_[static_cast<std::size_t>(i)].next = chunks * i / count;
      shares_[static_cast<std::size_t>(i)].end = chunks * (i + 1) / count;
    }
    open_ = true;
    announce();
    take_chunks(0);
    open_ = false;
    wait_for_workers();
    const std::exception_ptr failure = std::exchange(failure_, nullptr);
    failed_ = false;
    busy_ = false;
    if (failure) std::rethrow_exception(failure);
  }

 private:
  // Chunks that one thread begins with: the same part of every loop, so that it finds in its cache
  // what it wrote in the loop before. Who has done his own helps the others.
  struct alignas(kCacheLine) Share {
    std::atomic<std::int64_t> next = 0;
    std::int64_t end = 0;
  };

  void start_workers() try {
    while (workers_.size() + 1 < shares_.size())
      workers_.emplace_back([this, share = workers_.size() + 1] { work(share); });
  } catch (const std::system_error& error) {
    busy_ = false;
    throw resource_error("thread " + std::to_string(workers_.size() + 2) + " of " +
                         std::to_string(shares_.size()) + " cannot be started: " + error.what());
  }

  void announce() {
    ++announced_;
    announced_.notify_all();
  }

  // A worker's life.
  void work(std::size_t share) {
    std::uint32_t seen = 0;
    for (;;) {
      if (!waits_awake_ || !wait_awake([&] { return announced_ != seen; })) announced_.wait(seen);
      seen = announced_;
      if (stopping_) return;
      // In before the look at the door: either this sees it closed, or who closed it sees this.
      ++inside_;
      if (open_) take_chunks(share);
      if (--inside_ == 0) inside_.notify_one();
    }
  }

  void wait_for_workers() {
    if (waits_awake_ && wait_awake([&] { return inside_ == 0; })) return;
    while (const int inside = inside_) inside_.wait(inside);
  }

  void take_chunks(std::size_t first_share) {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      Share& share = shares_[(first_share + i) % shares_.size()];
      while (share.next < share.end) {
        const std::int64_t chunk = share.next++;
        if (chunk < share.end) do_chunk(chunk);
      }
    }
  }

  void do_chunk(std::int64_t chunk) {
    if (failed_) return;
    try {
      function_(context_, chunk * chunk_, std::min(size_, (chunk + 1) * chunk_));
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
  }

  // The open loop; written while it is closed and nobody is inside.
  RangeFunction function_ = nullptr;
  void* context_ = nullptr;
  std::int64_t size_ = 0, chunk_ = 0;
  std::vector<Share> shares_;  // by thread; the caller's is the first
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;

  std::atomic<bool> busy_ = false;  // some thread runs a loop
  const bool waits_awake_;
  std::atomic<bool> stopping_ = false;
  alignas(kCacheLine) std::atomic<bool> open_ = false;
  std::atomic<std::uint32_t> announced_ = 0;         // grows with every loop that opens
  alignas(kCacheLine) std::atomic<int> inside_ = 0;  // workers
  std::vector<std::thread> workers_;
};

Threads::Threads(int count) : count_(count > 0 ? count : usable_cores()) {
  if (count_ > 1) team_ = std::make_unique<Team>(count_);
}

Threads::~Threads() = default;

void Threads::run(std::int64_t size, std::int64_t grain, RangeFunction function, void* context) {
  // At most four chunks a thread: enough to even out, few enough that the overhead does not show.
  const std::int64_t most = 4 * static_cast<std::int64_t>(count_);
  const std::int64_t even = (size + most - 1) / most;
  team_->run(size, std::max({grain, even, std::int64_t{1}}), function, context);
}

}  // namespace q8
