#pragma once

#include <string>
#include <string_view>

#include "plan/plan.h"

namespace q8 {

// The plan as JSON (docs/file-formats.md): all of it, so that read_plan_json gives an equal plan,
// every scale to the bit. It holds no integers: rounded weights and corrected biases are made
// again.
// Throws unsupported for names that are not UTF-8, which JSON cannot hold.
std::string plan_json(const QuantizationPlan& plan);

// Whether a text that begins with a brace is a plan, and not another JSON file of q8.
bool is_plan_json(std::string_view text);

// Reads a plan, also one that was edited. Strict: throws bad_input, with `source` in front, for
// what is no plan, keys that there are not (with the nearest one that there is), keys that are
// missing, and parameters that no tensor can have. Whether it fits a graph is check_plan's to say.
QuantizationPlan read_plan_json(std::string_view text, std::string_view source);

}  // namespace q8
