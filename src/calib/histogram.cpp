#include "calib/histogram.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "kernels/f32/statistics_rows.h"

namespace q8 {
namespace {

// The largest float is below 2^128: 2048 … 4095 bins of width 2^116, or half as many.
constexpr int kMaxExponent = 117;

std::int64_t bin_of(float value, int exponent) {
  const auto k =
      static_cast<std::int64_t>(std::ldexp(std::fabs(static_cast<double>(value)), -exponent));
  return value < 0 ? -1 - k : k;
}

// Bins from zero to both ends.
struct Window {
  std::int64_t first = 0, last = -1;  // empty
  std::int64_t size() const { return last - first + 1; }
  Window at(int coarser) const { return {first >> coarser, last >> coarser}; }
  Window joined(const Window& other) const {
    return {std::min(first, other.first), std::max(last, other.last)};
  }
};

Window window_of(float low, float high, int exponent) {
  return {low < 0 ? bin_of(low, exponent) : 0, high > 0 ? bin_of(high, exponent) : -1};
}

// An exponent that is not too coarse for these extrema, and at most one too fine.
int finest_exponent(float low, float high) {
  int exponent = 0;
  std::frexp(std::max(std::fabs(low), std::fabs(high)), &exponent);
  // |x| < 2^exponent, so its bins of width 2^(exponent − 12) are 2049 … 4096.
  return std::max(exponent - 12, Histogram::kMinExponent);
}

}  // namespace

double Histogram::bin_width() const {
  return std::ldexp(1.0, exponent_);
}

double Histogram::lower_edge(std::size_t j) const {
  return std::ldexp(static_cast<double>(first_) + static_cast<double>(j), exponent_);
}

std::uint64_t Histogram::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : counts_) sum += n;
  return sum;
}

void Histogram::coarsen(int exponent) {
  if (empty()) {
    exponent_ = exponent;
    return;
  }
  const int by = exponent - exponent_;
  if (by == 0) return;
  const std::int64_t last = first_ + static_cast<std::int64_t>(counts_.size()) - 1;
  const std::int64_t new_first = first_ >> by;
  std::vector<std::uint64_t> sums(static_cast<std::size_t>((last >> by) - new_first + 1));
  for (std::size_t j = 0; j < counts_.size(); ++j)
    sums[static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(j)) >> by) - new_first)] +=
        counts_[j];
  counts_ = std::move(sums);
  first_ = static_cast<std::int32_t>(new_first);
  exponent_ = exponent;
}

void Histogram::extend(std::int64_t first, std::int64_t last) {
  const std::int64_t old_last = first_ + static_cast<std::int64_t>(counts_.size()) - 1;
  if (empty()) {
    first_ = static_cast<std::int32_t>(first);
    counts_.assign(static_cast<std::size_t>(last - first + 1), 0);
    return;
  }
  if (first < first_) {
    counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - first), 0);
    first_ = static_cast<std::int32_t>(first);
  }
  if (last > old_last) counts_.resize(static_cast<std::size_t>(last - first_ + 1), 0);
}

void Histogram::cover(float low, float high) {
  Q8_ASSERT(std::isfinite(low) && std::isfinite(high) && low <= high);
  low = std::min(low, 0.0f);
  high = std::max(high, 0.0f);
  if (low == 0 && high == 0) return;
  Window present;
  int exponent = finest_exponent(low, high);
  if (!empty()) {
    present = Window{0, -1}.joined({first_, first_ + std::int64_t(counts_.size()) - 1});
    exponent = std::max(exponent, exponent_);
  }
  const auto needed = [&](int e) {
    return present.at(empty() ? 0 : e - exponent_).joined(window_of(low, high, e));
  };
  while (needed(exponent).size() > kMaxBins) ++exponent;
  const Window window = needed(exponent);
  coarsen(exponent);
  extend(window.first, window.last);
}

bool Histogram::covers(float low, float high) const {
  const double end = lower_edge(counts_.size());
  return !empty() && (low >= 0 || low > lower_edge(0)) && (high <= 0 || high < end) &&
         (low <= 0 || low >= lower_edge(0)) && (high >= 0 || high <= end);
}

std::uint64_t Histogram::add(std::span<const float> values, const StatisticsF32Row& kernels) {
  constexpr std::size_t kBlock = 1024;
  std::int32_t bins[kBlock + kBinSlack];
  const float inverse_width = std::ldexp(1.0f, -exponent_);
  std::uint64_t all = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::size_t found =
        kernels
            .find_bins(values.data() + begin, std::min(kBlock, values.size() - begin),
                       inverse_width, bins)
            .found;
    for (std::size_t i = 0; i < found; ++i) ++counts_[static_cast<std::size_t>(bins[i] - first_)];
    all += found;
  }
  return all;
}

void Histogram::add_counts(std::int32_t first, std::span<const std::uint64_t> sums) {
  const auto offset = static_cast<std::int64_t>(first) - first_;
  Q8_ASSERT(offset >= 0 && offset + std::ssize(sums) <= std::ssize(counts_));
  for (std::size_t j = 0; j < sums.size(); ++j)
    counts_[static_cast<std::size_t>(offset) + j] += sums[j];
}

void Histogram::add_counts(std::span<const std::uint32_t> all) {
  Q8_ASSERT(all.size() == counts_.size());
  for (std::size_t j = 0; j < counts_.size(); ++j) counts_[j] += all[j];
}

void Histogram::merge(const Histogram& other) {
  if (other.empty()) return;
  Histogram theirs = other;
  const Window there = Window{0, -1}.joined(
      {theirs.first_, theirs.first_ + std::int64_t(theirs.counts_.size()) - 1});
  Window here;
  int exponent = theirs.exponent_;
  if (!empty()) {
    here = Window{0, -1}.joined({first_, first_ + std::int64_t(counts_.size()) - 1});
    exponent = std::max(exponent, exponent_);
  }
  const auto joined = [&](int e) {
    return here.at(empty() ? 0 : e - exponent_).joined(there.at(e - theirs.exponent_));
  };
  while (joined(exponent).size() > kMaxBins) ++exponent;
  const Window window = joined(exponent);
  coarsen(exponent);
  extend(window.first, window.last);
  theirs.coarsen(exponent);
  add_counts(theirs.first_, theirs.counts_);
}

void Histogram::trim() {
  const auto is_counted = [](std::uint64_t n) { return n != 0; };
  const auto begin = std::find_if(counts_.begin(), counts_.end(), is_counted);
  const auto end = std::find_if(counts_.rbegin(), counts_.rend(), is_counted).base();
  if (begin == counts_.end()) {
    *this = Histogram();
    return;
  }
  first_ += static_cast<std::int32_t>(begin - counts_.begin());
  counts_ = std::vector<std::uint64_t>(begin, end);
}

Histogram Histogram::restore(int exponent, std::int32_t first, std::vector<std::uint64_t> counts) {
  Histogram histogram;
  if (counts.empty()) return histogram;
  const Window window =
      Window{0, -1}.joined({first, first + static_cast<std::int64_t>(counts.size()) - 1});
  const bool is_tight = 2 * window.size() > kMaxBins || exponent == kMinExponent;
  if (exponent < kMinExponent || exponent > kMaxExponent || window.size() > kMaxBins || !is_tight ||
      counts.front() == 0 || counts.back() == 0)
    throw bad_input("a histogram of " + std::to_string(counts.size()) + " bins from bin " +
                    std::to_string(first) + " of width 2^" + std::to_string(exponent) +
                    " is not one that calibration makes");
  histogram.exponent_ = exponent;
  histogram.first_ = first;
  histogram.counts_ = std::move(counts);
  return histogram;
}

}  // namespace q8
