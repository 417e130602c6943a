#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace q8 {

struct StatisticsF32Row;  // kernels/f32/statistics_rows.h

// How often values fall where, on a grid that is the same for all data: bins of width 2^e, counted
// from zero on either side. Bin i >= 0 holds [i, i + 1) · 2^e, bin i < 0 holds (i, i + 1] · 2^e, so
// a value and its negative lie in mirrored bins (i and −1 − i). Zeros are not counted here.
//
// e is the smallest exponent for which the bins from zero to the extrema are at most kMaxBins, so
// about half of them or more are used. It depends on the extrema alone, and a coarser bin is made
// of whole finer ones (bin i becomes i >> 1): counting in any order, in any parts, and merging the
// parts gives the same histogram, to the bit.
class Histogram {
 public:
  static constexpr std::int64_t kMaxBins = 4096;
  // Values below 2^-108 share few bins: the grid's width must be a float whose inverse is one too.
  static constexpr int kMinExponent = -120;

  bool empty() const { return counts_.empty(); }
  int exponent() const { return exponent_; }
  double bin_width() const;
  // counts()[j] is of bin first() + j, which begins at lower_edge(j).
  std::int32_t first() const { return first_; }
  std::span<const std::uint64_t> counts() const { return counts_; }
  double lower_edge(std::size_t j) const;
  std::uint64_t total() const;

  // Makes bins for all values from low to high (finite); nothing is counted. Zeros need no bin.
  void cover(float low, float high);
  // Whether there are bins for all finite values from low to high.
  bool covers(float low, float high) const;
  // Counts values that are finite and covered, but not zeros. Returns how many are not zero.
  std::uint64_t add(std::span<const float> values, const StatisticsF32Row& kernels);
  // For those who count on their own, only between cover() and trim(): sums[j] is added to bin
  // `first + j`, all covered.
  void add_counts(std::int32_t first, std::span<const std::uint64_t> sums);
  // Likewise, a count for each of all the bins.
  void add_counts(std::span<const std::uint32_t> all);
  void merge(const Histogram& other);
  // Drops empty bins at both ends: what is compared and saved.
  void trim();
  bool operator==(const Histogram&) const = default;

  // The histogram that trim() left and that a file holds. Throws bad_input where it cannot be one.
  static Histogram restore(int exponent, std::int32_t first, std::vector<std::uint64_t> counts);

 private:
  void coarsen(int exponent);
  void extend(std::int64_t first, std::int64_t last);

  int exponent_ = kMinExponent;
  std::int32_t first_ = 0;
  std::vector<std::uint64_t> counts_;
};

}  // namespace q8
