#pragma once

#include <optional>
#include <vector>

#include "api/model_file.h"
#include "calib/profile.h"
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
// `ranges`, all of them (up to 1,000) where they are small. Throws bad_input
// where they cannot be read: the data has moved, changed, or is preprocessed in another way.
TrialSamples load_trial_samples(const QuantizeJob& job, const ModelFile& source,
                                const CalibrationProfile& profile, bool ranges, const Host& host);

}  // namespace q8
