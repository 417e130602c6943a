#include "calib/counters.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace q8 {
namespace {

constexpr std::size_t kSlots = Histogram::kMaxBins + 1;

}  // namespace

Counters::Counters() : counts_(2 * kSlots) {}

void Counters::begin(const Histogram& histogram) {
  Q8_ASSERT(histogram.first() <= 0);
  std::fill_n(counts_.begin(), used_, 0u);
  used_ = histogram.counts().size();
  inverse_width_ = std::ldexp(1.0f, -histogram.exponent());
  first_ = histogram.first();
  last_ = first_ + static_cast<std::int32_t>(used_) - 1;
}

bool Counters::count(const StatisticsF32Row& kernels, std::span<const float> block,
                     std::size_t& found) {
  std::int32_t bins[kBlock + kBinSlack];
  const BinsF32 b = kernels.find_bins(block.data(), block.size(), inverse_width_, bins);
  if (b.lowest < first_ || b.highest > last_) return false;
  found = b.found;
  std::uint32_t *even = counts_.data() - first_, *odd = even + kSlots;
  std::size_t i = 0;
  for (; i + 4 <= found; i += 4) {
    ++even[bins[i]];
    ++odd[bins[i + 1]];
    ++even[bins[i + 2]];
    ++odd[bins[i + 3]];
  }
  for (; i < found; ++i) ++even[bins[i]];
  return true;
}

void Counters::end() {
  for (std::size_t j = 0; j < used_; ++j) {
    counts_[j] += counts_[kSlots + j];
    counts_[kSlots + j] = 0;
  }
}

}  // namespace q8
