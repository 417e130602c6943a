#pragma once

#include <string>

#include "calib/profile.h"

namespace q8 {

// One page, without scripts or anything from elsewhere: for every tensor its histogram (counts on a
// logarithmic scale) with the range of each observer drawn below it, and what quantization to u8
// with that range is expected to cost.
std::string profile_html(const CalibrationProfile& profile, const std::string& file);

}  // namespace q8
