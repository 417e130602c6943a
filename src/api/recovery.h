#pragma once

#include <optional>

#include "api/trial_samples.h"
#include "recover/choose_ranges.h"
#include "recover/recover.h"

namespace q8 {

// What was tried on samples to make the quantized model better.
struct Improvement {
  Recovery recovery;                  // the model, and what became of each pass
  std::optional<RangeChoice> ranges;  // where observers were tried …
  double ranges_seconds = 0;          // … and how long that took
};

// Runs the recovery passes that the job asks for, and chooses observers by trials where it leaves
// them to auto, behind the passes that change the float graph; all on samples that calibration saw.
// Where those cannot be read, `model` (its plan made of `config`) stays, the default passes are
// left out, and the host is warned; passes that were asked for by name are then an error.
Improvement improve(const QuantizeJob& job, const PlanConfig& config, const Target& target,
                    const CalibrationData& data, PlannedGraph model, const Host& host);

// "ranges: mse, 12 values by other observers; 31.20 dB with rounded weights on 300 samples, tried
// in 4.2 s", one line.
std::string describe(const RangeChoice& choice, double seconds);
// "auto:16: 24.10 dB", the plans of one observer, best first.
std::vector<std::string> describe_trials(const RangeChoice& choice);

// "rounding: kept, 19.40 to 23.12 dB" for each pass, one a line; empty where none ran.
std::string describe(const std::vector<RecoveryEffect>& effects);

}  // namespace q8
