#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calib/histogram.h"
#include "tensor/quant_params.h"

namespace q8 {

// The smallest and largest value; of nothing where minimum > maximum.
struct Extrema {
  float minimum = kNone, maximum = -kNone;

  static constexpr float kNone = 3.4028234663852886e38f;  // FLT_MAX
  bool empty() const { return minimum > maximum; }
  bool all_zero() const { return minimum == 0 && maximum == 0; }
  void include(const Extrema& other) {
    minimum = other.minimum < minimum ? other.minimum : minimum;
    maximum = other.maximum > maximum ? other.maximum : maximum;
  }
  Range range() const;  // 0…0 of nothing
  bool operator==(const Extrema&) const = default;
};

// Extrema of each index along one axis of the (logical) tensor.
struct ChannelExtrema {
  // kVaries: the number of channels differed between runs, so nothing is kept.
  enum class State : std::uint8_t { kNone, kKept, kVaries };
  State state = State::kNone;
  std::int64_t axis = 0;
  std::vector<Extrema> channels;

  void merge(const ChannelExtrema& other);
  bool operator==(const ChannelExtrema&) const = default;
};

// All that is remembered of one activation tensor; exact under merging. Everything but the counts
// of infinities is of finite values.
struct TensorStatistics {
  std::string name;
  bool in_body = false;     // of a body of If, Loop or Scan: not every sample need run it
  std::uint64_t count = 0;  // finite values, zeros included
  std::uint64_t zeros = 0;
  // −inf is let pass only between a mask and a Softmax; anywhere else it is an error on the spot,
  // as NaN and +inf are everywhere.
  std::uint64_t negative_infinities = 0;
  Extrema extrema;
  ChannelExtrema channels;
  Histogram histogram;  // of the values that are not zero
  // Extrema of single samples: those of CalibrationProfile::kept_samples(), in that order.
  std::vector<Extrema> samples;

  // From the histogram (a bin counts as its middle, zeros exactly), so the same for every order of
  // samples; off by at most one bin width, 1/2048 of the largest magnitude.
  double mean() const;
  double variance() const;
  double mean_square() const;
  double mean_absolute_deviation() const;  // around the mean

  // Everything but `samples`, which only the profile can merge.
  void merge(const TensorStatistics& other);
  bool operator==(const TensorStatistics&) const = default;
};

}  // namespace q8
