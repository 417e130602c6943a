#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calib/profile.h"
#include "graph/graph.h"
#include "plan/plan.h"
#include "rewrite/apply_plan.h"

namespace q8 {

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Where a quantized model comes from, as metadata_props with keys in the namespace "q8.":
//   q8.version          of the program
//   q8.format           qdq or qoperator
//   q8.target           a row of targets()
//   q8.settings         the configuration, "name value" pairs separated by "; "
//   q8.plan.sha256      of describe(plan)
//   q8.source.sha256    of the float model's file
//   q8.profile.sha256, q8.data.sha256, q8.data.samples, q8.preprocess.sha256
// Those that come from a profile are left out where it has no samples (weights only). No times, no
// paths: equal inputs give equal files.
Metadata provenance(const QuantizationPlan& plan, const CalibrationProfile& profile, Format format,
                    std::string_view q8_version);

// The model to save: the plan applied to the canonical model, an IR version that fits the opset,
// the source's metadata kept but for older q8.* entries, and the provenance behind it.
Model quantized_model(const Model& canonical, const QuantizationPlan& plan,
                      const CalibrationProfile& profile, Format format,
                      std::string_view q8_version);

}  // namespace q8
