#pragma once

#include <string>
#include <vector>

#include "report/validation_report.h"

namespace q8 {

// What both models are over all samples, one row of four cells each: the figure's name, FP32, INT8
// and the change. The same in every format for people.
std::vector<std::vector<std::string>> overall_rows(const ValidationReport& report);

}  // namespace q8
