#include "report/figures.h"
#include "report/formats.h"
#include "report/overall.h"
#include "report/overflow_verdict.h"
#include "report/text_table.h"

namespace q8 {
namespace {

// Names may hold what Markdown or HTML reads as its own.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]<>|#&").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

std::string overall(const ValidationReport& report) {
  std::string text = row({"", "FP32", "INT8", "change"}) + "|---|--:|--:|--:|\n";
  for (const auto& cells : overall_rows(report)) text += row(cells);
  return text;
}

std::string gates(const Validation& validation) {
  if (validation.gates.empty()) return {};
  std::string text = "\n" + row({"gate", "value", "limit", ""}) + "|---|--:|--:|---|\n";
  for (const Gate& gate : validation.gates)
    text += row({gate.name + (gate.subject.empty() ? "" : " (" + escaped(gate.subject) + ")"),
                 gate_value(gate), gate_limit(gate), gate.passed ? "passed" : "**failed**"});
  return text;
}

std::string classes(const Validation& validation) {
  if (validation.classes.empty()) return {};
  std::string text =
      "\n" + row({"class", "samples", "FP32", "INT8", "change"}) + "|---|--:|--:|--:|--:|\n";
  for (const ClassResult& result : worst_first(validation.classes))
    text += row({escaped(result.name), std::to_string(result.samples), percent(result.fp32()),
                 percent(result.int8()), points(-result.drop())});
  return text;
}

std::string outputs(const Validation& validation) {
  if (validation.outputs.size() < 2) return {};
  std::string text = "\n" + row({"output", "SQNR", "max. difference"}) + "|---|--:|--:|\n";
  for (const OutputResult& output : validation.outputs)
    text += row(
        {escaped(output.name), decibels(output.sqnr_db), small_number(output.max_abs_difference)});
  return text;
}

std::string overflow(const Validation& validation) {
  if (!validation.overflow) return {};
  std::string text = "\n" + row({"hardware", "", ""}) + "|---|---|---|\n";
  for (const OverflowVerdict& verdict : overflow_verdicts(*validation.overflow))
    text += row({verdict.hardware, verdict.safe ? "safe" : "**not safe**", verdict.reason});
  text += "\n" + row({"layer", "type", "saturated pairs", "share", "largest sum / 2³¹"}) +
          "|---|---|--:|--:|--:|\n";
  for (const LayerOverflowResult& layer : worst_first(*validation.overflow))
    text += row({escaped(layer.name), escaped(layer.type), std::to_string(layer.saturated),
                 saturated_share(layer), s32_share(layer)});
  return text;
}

}  // namespace

std::string render_markdown(const ValidationReport& report) {
  const Validation& v = report.validation;
  return "## q8 validate: " + escaped(report.int8.file) + " " +
         (v.passed() ? "passed" : "**failed**") + "\n\n" + std::to_string(v.samples) +
         " samples, against " + escaped(report.fp32.file) + ".\n\n" + overall(report) + gates(v) +
         classes(v) + outputs(v) + overflow(v);
}

}  // namespace q8
