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

// What quantization adds to the values of a density; the error of zero is none.
ExpectedError expected_error(const Density& density, Range range, const ObserverSettings& settings);

// The extrema widened to zero, as −t…t where symmetric: what every observer starts from.
Range full_range(const TensorStatistics& statistics, const ObserverSettings& settings);
Range clamp_to(Range range, Range full);

// The range of least rounding + clip_weight · clipping error; searched from the full range inwards.
Range least_error_range(const Density& density, Range full, const ObserverSettings& settings,
                        double clip_weight);

}  // namespace q8
