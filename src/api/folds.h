#pragma once

#include <vector>

#include "api/calibration_data.h"
#include "q8/host.h"
#include "recover/choose_by_folds.h"

namespace q8 {

// The samples of the profile in a few parts, each with the profile of the others: they are
// calibrated again, part by part. Throws bad_input where they cannot be read, or are not what the
// profile's own settings choose of the data (profiles of several folders).
// `graph` computes what the profile's model does.
std::vector<Fold> make_folds(const CalibrationData& data, const Graph& graph, const Host& host);

}  // namespace q8
