#pragma once

#include <string_view>

#include "report/validation_report.h"

namespace q8 {

// The report that render_json wrote. Throws bad_input naming `source` where it is none.
ValidationReport parse_json_report(std::string_view text, std::string_view source);

}  // namespace q8
