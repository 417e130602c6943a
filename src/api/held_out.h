#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "calib/profile.h"
#include "data/dataset.h"
#include "q8/host.h"

namespace q8 {

// The indices of samples that calibration did not see, at most `count` of them, spread evenly.
// Reads every sample; tells the host how far it is. Throws bad_input where none is left.
std::vector<std::int64_t> held_out_samples(const Dataset& dataset,
                                           const CalibrationProfile& profile,
                                           std::optional<std::int64_t> count, const Host& host);

// Throws bad_input naming one of the samples that calibration saw, by its content.
void check_no_overlap(const Dataset& dataset, const std::vector<std::int64_t>& samples,
                      const CalibrationProfile& profile, const Host& host);

}  // namespace q8
