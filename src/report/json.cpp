#include <cmath>
#include <nlohmann/json.hpp>

#include "report/formats.h"
#include "report/json_text.h"
#include "report/overflow_verdict.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity: null, and `identical` tells which one it was.
Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json model(const ReportedModel& file, const std::optional<Accuracy>& accuracy) {
  return {{"file", file.file},
          {"sha256", file.sha256},
          {"bytes", file.bytes},
          {"top1", accuracy ? Json(accuracy->top1) : Json(nullptr)},
          {"top5", accuracy ? Json(accuracy->top5) : Json(nullptr)}};
}

Json classes(const Validation& validation) {
  Json list = Json::array();
  for (const ClassResult& result : worst_first(validation.classes))
    list.push_back({{"index", result.index},
                    {"name", result.name},
                    {"samples", result.samples},
                    {"fp32", result.fp32()},
                    {"int8", result.int8()},
                    {"drop", result.drop()}});
  return list;
}

Json outputs(const Validation& validation) {
  Json list = Json::array();
  for (const OutputResult& output : validation.outputs)
    list.push_back({{"name", output.name},
                    {"sqnr_db", finite(output.sqnr_db)},
                    {"identical", output.sqnr_db > 0 && std::isinf(output.sqnr_db)},
                    {"max_abs_difference", output.max_abs_difference},
                    {"not_finite", output.not_finite},
                    {"not_compared", output.not_compared}});
  return list;
}

Json gates(const Validation& validation) {
  Json list = Json::array();
  for (const Gate& gate : validation.gates) {
    Json entry = {{"name", gate.name},
                  {"value", finite(gate.value)},
                  {"limit", gate.limit},
                  {"unit", gate.unit},
                  {"passed", gate.passed}};
    if (!gate.subject.empty()) entry["class"] = gate.subject;
    list.push_back(std::move(entry));
  }
  return list;
}

Json overflow(const std::vector<LayerOverflowResult>& layers) {
  Json json = {{"targets", Json::array()}, {"layers", Json::array()}};
  for (const OverflowVerdict& verdict : overflow_verdicts(layers))
    json["targets"].push_back(
        {{"hardware", verdict.hardware}, {"safe", verdict.safe}, {"reason", verdict.reason}});
  for (const LayerOverflowResult& layer : layers)
    json["layers"].push_back({{"name", layer.name},
                              {"type", layer.type},
                              {"pairs", layer.pairs},
                              {"saturated", layer.saturated},
                              {"largest_sum", layer.largest_sum},
                              {"share_of_s32", layer.share_of_s32()}});
  return json;
}

}  // namespace

std::string render_json(const ValidationReport& report) {
  const Validation& v = report.validation;
  Json json = {{"q8", report.q8_version},
               {"passed", v.passed()},
               {"samples", v.samples},
               {"labelled", v.labelled},
               {"has_class_scores", v.has_class_scores},
               {"fp32", model(report.fp32, v.fp32)},
               {"int8", model(report.int8, v.int8)},
               {"size_ratio",
                static_cast<double>(report.fp32.bytes) / static_cast<double>(report.int8.bytes)},
               {"agreement", v.agreement ? Json(*v.agreement) : Json(nullptr)},
               {"sqnr_db", finite(v.sqnr_db)},
               {"max_abs_difference", v.max_abs_difference},
               {"gates", gates(v)},
               {"classes", classes(v)},
               {"outputs", outputs(v)},
               {"calibration",
                {{"samples", report.calibration_samples},
                 {"profile_sha256",
                  report.profile_sha256.empty() ? Json(nullptr) : Json(report.profile_sha256)}}}};
  if (v.overflow) json["overflow"] = overflow(*v.overflow);
  for (const auto& [key, value] : report.provenance) json["provenance"][key] = value;
  return json_text(json);
}

}  // namespace q8
