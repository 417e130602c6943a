#include "report/figures.h"
#include "report/formats.h"
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

std::string row(std::initializer_list<std::string> cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

std::string overall(const ValidationReport& report) {
  const Validation& v = report.validation;
  std::string text = row({"", "FP32", "INT8", "change"}) + "|---|--:|--:|--:|\n";
  if (v.fp32) {
    text += row({"top-1", percent(v.fp32->top1), percent(v.int8->top1),
                 points(v.int8->top1 - v.fp32->top1)});
    text += row({"top-5", percent(v.fp32->top5), percent(v.int8->top5),
                 points(v.int8->top5 - v.fp32->top5)});
  }
  if (v.agreement) text += row({"agreement", "", percent(*v.agreement), ""});
  text += row({"SQNR", "", decibels(v.sqnr_db), ""});
  text += row({"size", byte_size(report.fp32.bytes), byte_size(report.int8.bytes),
               times_smaller(report.fp32.bytes, report.int8.bytes)});
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
