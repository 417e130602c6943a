#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/formats.h"
#include "report/overall.h"
#include "report/overflow_verdict.h"
#include "report/xml_text.h"

// One page without scripts: tables, and bars that are drawn by their width. It must open from a
// build server's artifacts, where scripts are blocked as a rule, so no chart library.

namespace q8 {
namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d9dee3;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal}
.passed{color:#126e33}.failed{color:#b3261e;font-weight:bold}
.bar{text-align:left;width:40%}
.bar i{display:block;height:.45rem;margin:.12rem 0;border-radius:2px}
.fp32{background:#9aa5b1}.int8{background:#2f6fde}
code{font-size:.85em;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#14181d;color:#dfe4ea}th,td{border-color:#2c343d}
.passed{color:#6fd08c}.failed{color:#ff8a80}}
)";

std::string cell(const std::string& text, const char* tag = "td") {
  return std::string("<") + tag + ">" + xml_text(text) + "</" + tag + ">";
}

std::string row(const std::vector<std::string>& cells, const char* tag = "td") {
  std::string text = "<tr>";
  for (const std::string& content : cells) text += cell(content, tag);
  return text + "</tr>\n";
}

std::string bar(double share, const char* kind) {
  const int permille = static_cast<int>(std::lround(1000 * std::clamp(share, 0.0, 1.0)));
  return std::string("<i class=\"") + kind + "\" style=\"width:" + std::to_string(permille / 10) +
         "." + std::to_string(permille % 10) + "%\"></i>";
}

std::string overall(const ValidationReport& report) {
  std::string text = "<table>\n" + row({"", "FP32", "INT8", "change"}, "th");
  for (const auto& cells : overall_rows(report)) text += row(cells);
  return text + "</table>\n";
}

std::string gates(const Validation& validation) {
  if (validation.gates.empty()) return {};
  std::string text = "<h2>Gates</h2>\n<table>\n" + row({"gate", "value", "limit", "", ""}, "th");
  for (const Gate& gate : validation.gates)
    text += "<tr>" + cell(gate.name) + cell(gate_value(gate)) + cell(gate_limit(gate)) +
            cell(gate.subject.empty() ? "" : "class " + gate.subject) + "<td class=\"" +
            (gate.passed ? "passed\">passed" : "failed\">failed") + "</td></tr>\n";
  return text + "</table>\n";
}

std::string classes(const Validation& validation) {
  if (validation.classes.empty()) return {};
  std::string text = "<h2>Classes, the worst first</h2>\n<table>\n" +
                     row({"class", "samples", "FP32", "INT8", "change", ""}, "th");
  for (const ClassResult& result : worst_first(validation.classes))
    text += "<tr>" + cell(result.name) + cell(std::to_string(result.samples)) +
            cell(percent(result.fp32())) + cell(percent(result.int8())) +
            cell(points(-result.drop())) + "<td class=\"bar\">" + bar(result.fp32(), "fp32") +
            bar(result.int8(), "int8") + "</td></tr>\n";
  return text + "</table>\n";
}

std::string outputs(const Validation& validation) {
  std::string text =
      "<h2>Outputs</h2>\n<table>\n" + row({"output", "SQNR", "largest difference"}, "th");
  for (const OutputResult& output : validation.outputs)
    text += row({output.name, decibels(output.sqnr_db), small_number(output.max_abs_difference)});
  return text + "</table>\n";
}

std::string overflow(const Validation& validation) {
  if (!validation.overflow) return {};
  std::string text = "<h2>Overflow</h2>\n<table>\n" + row({"hardware", "", ""}, "th");
  for (const OverflowVerdict& verdict : overflow_verdicts(*validation.overflow))
    text += row({verdict.hardware, verdict.safe ? "safe" : "not safe", verdict.reason});
  text += "</table>\n<table>\n" +
          row({"layer", "type", "saturated pairs", "share", "largest sum / 2³¹"}, "th");
  for (const LayerOverflowResult& layer : worst_first(*validation.overflow))
    text += row({layer.name, layer.type, std::to_string(layer.saturated), saturated_share(layer),
                 s32_share(layer)});
  return text + "</table>\n";
}

std::string provenance(const ValidationReport& report) {
  std::string text = "<h2>Provenance</h2>\n<table>\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    text += "<tr>" + cell(name) + "<td><code>" + xml_text(value) + "</code></td></tr>\n";
  };
  add(report.fp32.file, report.fp32.sha256);
  add(report.int8.file, report.int8.sha256);
  if (!report.profile_sha256.empty()) add("calibration profile", report.profile_sha256);
  for (const auto& [key, value] : report.provenance) add(key, value);
  return text + "</table>\n";
}

}  // namespace

std::string render_html(const ValidationReport& report) {
  const Validation& v = report.validation;
  const std::string title = "q8 validate: " + xml_text(report.int8.file);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<h1>" + title +
         " <span class=\"" + (v.passed() ? "passed\">passed" : "failed\">failed") +
         "</span></h1>\n<p>" + std::to_string(v.samples) + " samples, against " +
         xml_text(report.fp32.file) + ".</p>\n" + overall(report) + gates(v) + classes(v) +
         outputs(v) + overflow(v) + provenance(report) + "</body>\n</html>\n";
}

}  // namespace q8
