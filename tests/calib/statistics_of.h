#pragma once

#include <span>
#include <string>
#include <vector>

#include "calib/collector.h"
#include "calib/statistics.h"

namespace q8 {

// The statistics of some values, without channels and samples.
inline TensorStatistics statistics_of(std::span<const float> values, std::string name = "x") {
  Threads threads(1);
  StatisticsCollector collector(threads, Isa::kScalar);
  TensorStatistics statistics;
  statistics.name = std::move(name);
  collector.add({.data = values.data(), .inner = static_cast<std::int64_t>(values.size())},
                statistics);
  statistics.histogram.trim();
  return statistics;
}
inline TensorStatistics statistics_of(std::initializer_list<float> values) {
  return statistics_of(std::span<const float>(values.begin(), values.size()));
}

// Sums of four uniform numbers from a linear congruential generator, as make_observer_data.py has
// them: exact in any language.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed = 12345) : state_(seed) {}
  double uniform() {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) / 16777216.0;
  }
  double bell() {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += uniform();
    return (sum - 2.0) * 2.0;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(uniform() * double(n)); }

 private:
  std::uint32_t state_;
};

template <typename T>
void shuffle(std::vector<T>& list, Numbers& numbers) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[numbers.below(i)]);
}

}  // namespace q8
