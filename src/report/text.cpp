#include <algorithm>

#include "report/figures.h"
#include "report/formats.h"
#include "report/overall.h"
#include "report/overflow_verdict.h"
#include "report/text_table.h"

namespace q8 {
namespace {

std::string overall(const ValidationReport& report) {
  TextTable table("lrrr");
  table.add({"", "FP32", "INT8", "change"});
  for (const auto& row : overall_rows(report)) table.add(row);
  return table.str();
}

std::string outputs(const Validation& validation) {
  if (validation.outputs.size() < 2) return {};
  TextTable table("lrr");
  table.add({"output", "SQNR", "largest difference"});
  for (const OutputResult& output : validation.outputs)
    table.add({printable(output.name), decibels(output.sqnr_db),
               small_number(output.max_abs_difference)});
  return "\n" + table.str();
}

std::string classes(const ValidationReport& report) {
  const auto sorted = worst_first(report.validation.classes);
  if (sorted.empty()) return {};
  if (!report.per_class) {
    const ClassResult& worst = sorted.front();
    if (worst.drop() <= 0) return {};
    return "\n  worst class: " + printable(worst.name) + ", " + percent(worst.fp32()) + " → " +
           percent(worst.int8()) + " of " + std::to_string(worst.samples) +
           " samples (--per-class shows all)\n";
  }
  TextTable table("lrrrr");
  table.add({"class", "samples", "FP32", "INT8", "change"});
  for (const ClassResult& result : sorted)
    table.add({printable(result.name), std::to_string(result.samples), percent(result.fp32()),
               percent(result.int8()), points(-result.drop())});
  return "\n" + table.str();
}

std::string gates(const Validation& validation) {
  TextTable table("lrll");
  for (const Gate& gate : validation.gates)
    table.add({gate.name, gate_value(gate), gate_limit(gate),
               (gate.passed ? "passed" : "FAILED") +
                   (gate.subject.empty() ? "" : " (class " + printable(gate.subject) + ")")});
  if (table.empty())
    return std::string("\n  no gate: there are no ") +
           (validation.has_class_scores ? "labels" : "class scores") +
           " to measure accuracy with (--min-sqnr needs none)\n";
  return "\n" + table.str();
}

std::string overflow(const Validation& validation) {
  if (!validation.overflow) return {};
  constexpr std::size_t kMostLayers = 10;  // the files have all
  TextTable layers("llrrr"), verdicts("lll");
  layers.add({"layer", "type", "saturated pairs", "share", "largest sum / 2³¹"});
  const auto sorted = worst_first(*validation.overflow);
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostLayers); ++i)
    layers.add({printable(sorted[i].name), sorted[i].type, std::to_string(sorted[i].saturated),
                saturated_share(sorted[i]), s32_share(sorted[i])});
  std::string text = "\n" + layers.str();
  if (sorted.size() > kMostLayers)
    text += "  … and " + std::to_string(sorted.size() - kMostLayers) + " more layers\n";
  for (const OverflowVerdict& verdict : overflow_verdicts(*validation.overflow))
    verdicts.add({verdict.hardware, verdict.safe ? "safe" : "NOT SAFE", verdict.reason});
  return text + "\n" + verdicts.str();
}

std::string heading(const ValidationReport& report) {
  const Validation& v = report.validation;
  std::string text = report.int8.file + " against " + report.fp32.file + ", " +
                     std::to_string(v.samples) + (v.samples == 1 ? " sample" : " samples");
  if (v.labelled == 0) text += " without labels";
  if (v.labelled > 0 && v.labelled < v.samples)
    text += ", " + std::to_string(v.labelled) + " of them with a label";
  return text + "\n\n";
}

}  // namespace

std::string render_text(const ValidationReport& report) {
  return heading(report) + overall(report) + outputs(report.validation) + classes(report) +
         overflow(report.validation) + gates(report.validation);
}

}  // namespace q8
