#pragma once

#include <vector>

#include "calib/observers/observers.h"
#include "calib/statistics.h"

namespace q8 {

// The values of a tensor as observers see them: occupied bins in ascending order, values evenly
// spread in each (the outermost end at the extrema), and zeros.
struct Density {
  struct Bin {
    double low, high, count;
  };
  std::vector<Bin> bins;
  double zeros = 0;
  double nonzeros = 0;

  double count() const { return zeros + nonzeros; }
  double mean_square() const;  // of all values
};
Density density_of(const TensorStatistics& statistics);

// The extrema widened to zero, as −t…t where symmetric: what every observer starts from.
Range full_range(const TensorStatistics& statistics, const ObserverSettings& settings);
Range clamp_to(Range range, Range full);

}  // namespace q8
