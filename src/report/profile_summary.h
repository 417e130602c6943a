#pragma once

#include <string>

#include "calib/profile.h"

namespace q8 {

// What `q8 inspect` says of a calibration profile: where it comes from, and for every tensor how
// many values were seen, how many of them are zero, and the range that each observer would choose
// for unsigned bytes.
std::string profile_text(const CalibrationProfile& profile, const std::string& file);
std::string profile_json(const CalibrationProfile& profile, const std::string& file);

}  // namespace q8
