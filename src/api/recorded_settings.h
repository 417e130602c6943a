#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"
#include "q8/quantize.h"
#include "recover/recover.h"

namespace q8 {

// What a quantized model says about how it was made, one "name value" line each: the plan's
// settings, then the rest of the job that its numbers depend on.
std::string recorded_settings(const QuantizeJob& job, const QuantizationPlan& plan,
                              const std::vector<RecoveryEffect>& effects);

// The job that makes the same plan again; model, profile and a plan that was given are the
// caller's to fill in. Throws unsupported, naming the line, for another version's settings.
QuantizeJob job_of_settings(const std::string& text);

}  // namespace q8
