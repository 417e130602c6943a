#pragma once

#include <string>
#include <vector>

#include "recover/recover.h"

namespace q8 {

// A profile of the named values alone, of the fitting samples alone, without extrema of single
// samples. Counts are as if each sample had been seen so many `times`: to stand in a profile of
// more samples.
CalibrationProfile observe_values(const Graph& graph, const std::vector<std::string>& names,
                                  std::size_t times, const RecoveryContext& context);

}  // namespace q8
