#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "calib/profile.h"

namespace q8 {

// How far the range of one tensor had come after a part of the samples.
struct TensorConvergence {
  std::string name;
  // Width of the range (with zero) of the first 1, 2, 4 … kept samples, and last of all samples, as
  // a share of the width over all samples.
  std::vector<double> share;
  // Expected growth of the width, as a share, should the number of samples be doubled: what the
  // last doubling brought. 0 where nothing moved.
  double expected_growth = 0;
};

struct Convergence {
  std::vector<std::size_t> samples;        // the numbers of samples behind TensorConvergence::share
  std::vector<TensorConvergence> tensors;  // in the profile's order; without tensors of zeros
  double mean_growth = 0;
  // A growth of more than 5 % in the mean: ranges are still moving and more samples would help.
  bool more_samples_would_help = false;

  const TensorConvergence* find(std::string_view tensor) const;  // or null
};

Convergence measure_convergence(const CalibrationProfile& profile);

}  // namespace q8
