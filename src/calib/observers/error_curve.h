#pragma once

#include <cstddef>
#include <vector>

#include "calib/observers/density.h"
#include "calib/observers/observers.h"

namespace q8 {

// expected_error() of one density for many ranges. What does not depend on the range is summed up
// front: the error of one range costs a few operations for each bin inside it, and nothing for
// those outside.
class ErrorCurve {
 public:
  explicit ErrorCurve(const Density& density);  // bins in ascending order

  ExpectedError at(Range range, const ObserverSettings& settings) const;

 private:
  // Σ count, Σ count · r and Σ count · r² of some bins.
  struct Moments {
    double count = 0, first = 0, second = 0;
    double around(double center) const {
      return second - 2 * center * first + center * center * count;
    }
  };
  struct Steps;

  double rounding_inside(std::size_t begin, std::size_t end, double step) const;

  double count_;                             // of all values
  std::vector<Density::Bin> bins_, points_;  // points: bins of no width
  std::vector<Moments> below_, above_;       // of the bins before and from the i-th
  // Where bins begin or end, ascending: the density below it less the one above it.
  std::vector<double> borders_, falls_;
  std::vector<std::size_t> low_border_, high_border_;  // by bin
};

// The range of least rounding + clip_weight · clipping error; searched from the full range inwards.
Range least_error_range(const ErrorCurve& curve, Range full, const ObserverSettings& settings,
                        double clip_weight);

}  // namespace q8
