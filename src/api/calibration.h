#pragma once

#include "calib/calibrate.h"
#include "q8/calibrate.h"

namespace q8 {

// Calibrates without writing a profile (the job's output is only read for `resume`). Warnings go to
// the host.
Calibration calibrate_now(const CalibrateJob& job, const Host& host);

}  // namespace q8
