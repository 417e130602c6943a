#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace q8 {

// The Kullback–Leibler divergence between a histogram clipped to a window of its bins and the same
// quantized to some levels, for any window in O(levels):
//   P  the bins of the window, those outside added to its two end bins
//   Q  the bins without what was added, merged into `levels` equal parts of the window (a bin on a
//      border gives each side its share) and each part spread evenly over the bins where P is not
//      empty (a bin on a border takes from each side by its share); where a part is empty but
//      clipped values lie, Q counts one value
// both divided by their sums. Source: S. Migacz, 8-bit inference with TensorRT, GTC 2017, made
// symmetric in the two ends and for numbers of bins that levels do not divide.
class Divergence {
 public:
  explicit Divergence(std::span<const double> counts);

  std::int64_t size() const { return static_cast<std::int64_t>(counts_.size()); }
  double total() const { return mass_.back(); }
  double mass(std::int64_t begin, std::int64_t end) const;
  // Of the window [begin, end); levels <= end − begin.
  double of(std::int64_t begin, std::int64_t end, std::int64_t levels) const;

 private:
  std::vector<double> counts_, count_log_count_;
  // Of all bins before the i-th: counts, bins not empty, Σ count · log count.
  std::vector<double> mass_, filled_, sum_of_logs_;
};

}  // namespace q8
