#include "calib/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace q8 {

Range Extrema::range() const {
  return empty() ? Range{} : Range{.low = minimum, .high = maximum};
}

void ChannelExtrema::merge(const ChannelExtrema& other) {
  if (other.state == State::kNone || state == State::kVaries) return;
  if (state == State::kNone) {
    *this = other;
  } else if (other.state == State::kVaries || axis != other.axis ||
             channels.size() != other.channels.size()) {
    *this = {.state = State::kVaries, .axis = 0, .channels = {}};
  } else {
    for (std::size_t c = 0; c < channels.size(); ++c) channels[c].include(other.channels[c]);
  }
}

namespace {

// Σ count · function(middle of the bin) / number of values; zeros are passed as such.
template <typename Function>
double average(const TensorStatistics& s, Function&& function) {
  if (s.count == 0) return 0;
  const double width = s.histogram.bin_width();
  double sum = static_cast<double>(s.zeros) * function(0.0);
  const auto counts = s.histogram.counts();
  for (std::size_t j = 0; j < counts.size(); ++j) {
    // The outermost bins reach no further than the extrema.
    const double low = std::max(s.histogram.lower_edge(j), static_cast<double>(s.extrema.minimum));
    const double high =
        std::min(s.histogram.lower_edge(j) + width, static_cast<double>(s.extrema.maximum));
    if (counts[j] != 0) sum += static_cast<double>(counts[j]) * function(0.5 * (low + high));
  }
  return sum / static_cast<double>(s.count);
}

}  // namespace

double TensorStatistics::mean() const {
  return average(*this, [](double r) { return r; });
}

double TensorStatistics::variance() const {
  const double center = mean();
  return average(*this, [center](double r) { return (r - center) * (r - center); });
}

double TensorStatistics::mean_square() const {
  return average(*this, [](double r) { return r * r; });
}

double TensorStatistics::mean_absolute_deviation() const {
  const double center = mean();
  return average(*this, [center](double r) { return std::abs(r - center); });
}

void TensorStatistics::merge(const TensorStatistics& other) {
  Q8_ASSERT(name == other.name);
  count += other.count;
  zeros += other.zeros;
  negative_infinities += other.negative_infinities;
  extrema.include(other.extrema);
  channels.merge(other.channels);
  histogram.merge(other.histogram);
}

}  // namespace q8
