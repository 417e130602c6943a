#include "data/sample_stream.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include "base/error.h"

namespace q8 {

struct SampleStream::State {
  using Outcome = std::variant<Sample, std::exception_ptr>;

  const Dataset& dataset;
  const std::vector<std::int64_t> indices;
  const std::size_t ahead;

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, Outcome> ready;  // by position in `indices`
  std::size_t claimed = 0;               // positions that some thread loads or has loaded
  std::size_t handed_out = 0;
  bool stopped = false;
  std::exception_ptr failure;         // what next() threw
  std::vector<std::jthread> threads;  // last: they use the members above

  State(const Dataset& d, std::vector<std::int64_t> i, std::size_t a)
      : dataset(d), indices(std::move(i)), ahead(a) {}

  void work() {
    for (;;) {
      std::size_t position;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] {
          return stopped || claimed == indices.size() || claimed < handed_out + ahead;
        });
        if (stopped || claimed == indices.size()) return;
        position = claimed++;
      }
      Outcome outcome = load(position);
      const std::lock_guard lock(mutex);
      ready.emplace(position, std::move(outcome));
      changed.notify_all();
    }
  }

  Outcome load(std::size_t position) const {
    try {
      return dataset.sample(indices[position]);
    } catch (...) {
      return std::current_exception();
    }
  }

  // The next one in the order of `indices`, waited for or, without threads, loaded here.
  Outcome take(std::unique_lock<std::mutex>& lock) {
    if (threads.empty()) return load(handed_out++);
    changed.wait(lock, [&] { return ready.contains(handed_out); });
    Outcome outcome = std::move(ready.extract(handed_out).mapped());
    ++handed_out;
    changed.notify_all();
    return outcome;
  }
};

SampleStream::SampleStream(const Dataset& dataset, std::vector<std::int64_t> indices, int threads,
                           std::size_t ahead)
    : state_(std::make_unique<State>(dataset, std::move(indices), ahead)) {
  Q8_ASSERT(threads >= 0 && ahead >= 1);
  for (int i = 0; i < threads; ++i) state_->threads.emplace_back([s = state_.get()] { s->work(); });
}

SampleStream::~SampleStream() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
  }
  state_->changed.notify_all();
}

std::optional<Sample> SampleStream::next() {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.failure) std::rethrow_exception(s.failure);
  if (s.handed_out == s.indices.size()) return {};
  State::Outcome outcome = s.take(lock);
  if (auto* failure = std::get_if<std::exception_ptr>(&outcome)) {
    s.failure = *failure;
    s.stopped = true;
    std::rethrow_exception(s.failure);
  }
  return std::get<Sample>(std::move(outcome));
}

}  // namespace q8
