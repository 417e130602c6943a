#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calib/histogram.h"
#include "kernels/f32/statistics_rows.h"

namespace q8 {

// Where one thread counts what fits into the bins that a histogram has already. One bin is hit by
// many neighbouring values; two sub-histograms in turn keep the processor from waiting for its own
// stores (four gain no more and fall out of the L1 cache).
class Counters {
 public:
  static constexpr std::size_t kBlock = 1024;  // values whose bins are found at a time: 4 KB

  Counters();

  // Threads empty their own counts, which lie in their cache. The histogram's bins reach to zero or
  // beyond it, as cover() leaves them.
  void begin(const Histogram& histogram);
  // At most kBlock values; false where some do not fit or are not finite: then nothing was counted.
  // `found` becomes the number of those that are not zero.
  bool count(const StatisticsF32Row& kernels, std::span<const float> block, std::size_t& found);
  // After the last value: what another thread is to read is half as much then.
  void end();
  // After end(): of the histogram's bins.
  std::span<const std::uint32_t> counts() const { return std::span(counts_).first(used_); }

 private:
  std::vector<std::uint32_t> counts_;  // by bin − first: the one sub-histogram, the other
  std::size_t used_ = 0;               // bins that may hold something
  float inverse_width_ = 0;
  std::int32_t first_ = 0, last_ = -1;
};

}  // namespace q8
