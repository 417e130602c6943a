#pragma once

#include <cstddef>

#include "calib/profile.h"

namespace q8 {

// How many runs of the profile's model compute about so many values of activations: a limit of work
// that is the same on every machine. At most a million.
std::size_t runs_within(double values, const CalibrationProfile& profile);

}  // namespace q8
