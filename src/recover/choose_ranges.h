#pragma once

#include <string>
#include <vector>

#include "calib/profile.h"
#include "plan/make_plan.h"
#include "recover/recover.h"

namespace q8 {

// A whole plan that was tried: an observer for all values.
struct RangeTrial {
  std::string observer;  // "mse", "auto:16"
  double sqnr_db = 0;    // of the model's outputs, on the samples of the first round
};

struct RangeChoice {
  PlanConfig config;  // what make_plan makes the plan of
  QuantizationPlan plan;
  std::vector<RangeTrial> trials;  // best first
  std::size_t samples = 0;         // that the finalists were judged by
  double sqnr_db = 0;              // of the choice, on these
  bool with_rounded = false;       // that figure has the weights of context.rounded
  std::size_t changed = 0;         // values that took another observer than the rest
};

// Chooses the observers of a plan by running quantized models against the FP32 graph, on
// context.judge (at least one sample):
//   1. a plan for each observer alone (auto with several weights of clipping), on many samples
//   2. those that are not clearly worse than the best on more samples, all where the work allows;
//      the best becomes the plan
//   3. groups of neighbouring values take the ranges of another plan, where the error falls by
//      clearly more than it differs from sample to sample
// The number of runs is bounded by the size of the activations alone, so that the result does not
// depend on the machine. What source.config says of single values stays as it is.
// All trials have the weights of context.rounded, where it is not null, though not the choice. As
// long as weights are rounded to nearest, their errors are most of what there is, and ranges that
// fit them by chance look best.
RangeChoice choose_ranges(const Graph& graph, const PlanSource& source,
                          const RecoveryContext& context);

}  // namespace q8
