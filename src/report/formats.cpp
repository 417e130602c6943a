#include "report/formats.h"

#include "base/error.h"

namespace q8 {
namespace {

constexpr ReportFormatRow kRows[] = {
    {"json", "results for machines", render_json},
    {"markdown", "a summary for people, as a pull request shows it", render_markdown},
    {"html", "a page with charts that needs nothing else", render_html},
    {"junit", "gates and classes as test cases, for CI servers", render_junit},
};

}  // namespace

std::span<const ReportFormatRow> report_format_rows() {
  return kRows;
}

const ReportFormatRow& find_report_format(std::string_view name) {
  std::string known;
  for (const ReportFormatRow& row : kRows) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw usage_error("report format '" + std::string(name) + "': there are " + known);
}

}  // namespace q8
