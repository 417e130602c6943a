#pragma once

#include <optional>

#include "api/model_file.h"
#include "calib/profile.h"
#include "q8/host.h"
#include "q8/quantize.h"
#include "recover/recover.h"

namespace q8 {

// Runs the recovery passes that the job asks for, on samples that calibration saw: up to
// job.recover_samples of them, spread evenly, every third one to judge by. Where they cannot be
// read (the data has moved, changed, or is preprocessed in another way) the default passes are left
// out, and the host is warned; passes that were asked for by name are then an error.
Recovery recover_accuracy(const QuantizeJob& job, const ModelFile& source,
                          const CalibrationProfile& profile, QuantizationPlan plan,
                          const Host& host);

// "rounding: kept, 19.40 to 23.12 dB" for each pass, one a line; empty where none ran.
std::string describe(const std::vector<RecoveryEffect>& effects);

}  // namespace q8
