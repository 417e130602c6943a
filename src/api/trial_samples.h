#pragma once

#include <vector>

#include "api/calibration_data.h"
#include "q8/host.h"
#include "q8/quantize.h"
#include "recover/recover.h"

namespace q8 {

// Samples that calibration saw, for what is tried while quantizing.
struct TrialSamples {
  std::vector<SampleInputs> fit, judge;  // for recovery
  std::vector<SampleInputs> ranges;      // to choose observers by; the others are among them
};

// Up to job.recover_samples of them for recovery, spread evenly, every third one to judge by; with
// `ranges`, all of them (up to 1,000) where they are small. Throws what CalibrationData throws.
TrialSamples load_trial_samples(const QuantizeJob& job, const CalibrationData& data, bool ranges,
                                const Host& host);

}  // namespace q8
