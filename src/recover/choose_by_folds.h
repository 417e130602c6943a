#pragma once

#include "recover/choose_ranges.h"

namespace q8 {

// A part of the samples, and the profile of all the others.
struct Fold {
  CalibrationProfile profile;
  std::vector<SampleInputs> samples;
};

// Chooses one observer for all values where there are too few samples to show what a range clips
// that was made of them: each observer makes its ranges of all folds but one, and is judged by that
// one, in turns. The plan is that of the best, with ranges of the whole profile.
RangeChoice choose_by_folds(const Graph& graph, const CalibrationProfile& profile,
                            const PlanConfig& asked, const Target& target,
                            std::span<const Fold> folds, const RecoveryContext& context);

}  // namespace q8
