#pragma once

#include <span>
#include <string>
#include <string_view>

#include "report/validation_report.h"

namespace q8 {

// A file that `q8 validate` can write; the option is the name with two dashes.
struct ReportFormatRow {
  std::string_view name;
  std::string_view help;
  // The whole file. The same report gives the same bytes; there are no times in it.
  std::string (*render)(const ValidationReport& report);
};

std::span<const ReportFormatRow> report_format_rows();
// Throws usage_error naming the formats there are.
const ReportFormatRow& find_report_format(std::string_view name);

// One file each.
std::string render_json(const ValidationReport& report);
std::string render_markdown(const ValidationReport& report);
std::string render_html(const ValidationReport& report);
std::string render_junit(const ValidationReport& report);
// For terminals; not a file's format.
std::string render_text(const ValidationReport& report);

}  // namespace q8
