#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace q8 {

// A fixed number of threads that loops are spread over. Results must not depend on the count: split
// over outputs, never over a sum. The threads start with the first loop that needs them; between
// loops they wait awake for some tens of microseconds, then sleep.
class Threads {
 public:
  explicit Threads(int count = 0);  // 0: one per core that this process may use
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  // Calls body(begin, end) on disjoint ranges that cover [0, size), each of at least `grain` items
  // but the last. Returns when all are done; the first exception thrown by a body is thrown again
  // here, and ranges not begun by then are left out. May be called from several threads, and by a
  // body: a loop that finds the threads at work on another runs here alone.
  template <typename Body>
  void parallel_for(std::int64_t size, std::int64_t grain, Body&& body) {
    if (count_ == 1 || size <= grain) {
      if (size > 0) body(std::int64_t{0}, size);
      return;
    }
    using Plain = std::remove_reference_t<Body>;
    run(
        size, grain,
        [](void* context, std::int64_t begin, std::int64_t end) {
          (*static_cast<Plain*>(context))(begin, end);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using RangeFunction = void (*)(void* context, std::int64_t begin, std::int64_t end);
  void run(std::int64_t size, std::int64_t grain, RangeFunction function, void* context);

  class Team;
  int count_;
  std::unique_ptr<Team> team_;
};

}  // namespace q8
