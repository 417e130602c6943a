#pragma once

#include <string>
#include <vector>

#include "plan/make_plan.h"

namespace q8 {

// Values of activations that all trials together may compute: some twenty seconds on one core.
inline constexpr double kRangeWork = 1e10;

// What the choice of ranges tries: all that single observers can offer, and auto from counting
// clipping as rounding to nearly never clipping. `asked` with another observer for all values each.
inline constexpr std::size_t kRangeCandidates = 11;
std::vector<PlanConfig> range_candidates(const PlanConfig& asked);

// "mse", "auto:16"
std::string observer_text(const PlanConfig& config);

}  // namespace q8
