#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/calibration_data.h"
#include "q8/host.h"

namespace q8 {

struct AgainOptions {
  std::optional<Shard> shard = {};
  std::vector<std::string> values = {};  // empty: all
};

// The profile of a graph that computes what the known profile's model does, over the same data with
// the same settings. Throws bad_input where the samples cannot be read, and kInterrupted.
CalibrationProfile calibrate_again(const CalibrationData& data, const Graph& graph,
                                   const AgainOptions& options, const Host& host);

}  // namespace q8
