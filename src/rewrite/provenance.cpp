#include "rewrite/provenance.h"

#include <algorithm>

#include "base/sha256.h"

namespace q8 {
namespace {

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string line;
  for (const char c : text) line += c == '\n' ? "; " : std::string(1, c);
  return line;
}

// IR 8 came with opsets up to 15 to 18, and every runtime that has DequantizeLinear per axis takes
// it; models that are newer keep theirs.
constexpr std::int64_t kIrVersion = 8;

}  // namespace

Metadata provenance(const QuantizationPlan& plan, const CalibrationProfile& profile, Format format,
                    std::string_view q8_version) {
  const std::string text = describe(plan);
  Metadata entries = {
      {"q8.version", std::string(q8_version)},
      {"q8.format", format == Format::kQdq ? "qdq" : "qoperator"},
      {"q8.target", plan.target},
      {"q8.settings", one_line(plan.settings)},
      {"q8.plan.sha256", sha256_hex(std::as_bytes(std::span(text)))},
  };
  if (!profile.model.sha256.empty()) entries.emplace_back("q8.source.sha256", profile.model.sha256);
  if (profile.samples.empty()) return entries;
  entries.emplace_back("q8.profile.sha256", profile.sha256());
  entries.emplace_back("q8.data.sha256", profile.data_sha256());
  entries.emplace_back("q8.data.samples", std::to_string(profile.samples.size()));
  if (const std::string hash = profile.preprocess_sha256(); !hash.empty())
    entries.emplace_back("q8.preprocess.sha256", hash);
  return entries;
}

Model quantized_model(const Model& canonical, const QuantizationPlan& plan,
                      const CalibrationProfile& profile, Format format,
                      std::string_view q8_version) {
  Model model = canonical;
  model.graph = apply_plan(canonical.graph, plan, format);
  model.ir_version = std::max(model.ir_version, kIrVersion);
  std::erase_if(model.metadata, [](const auto& entry) { return entry.first.starts_with("q8."); });
  for (auto& entry : provenance(plan, profile, format, q8_version))
    model.metadata.push_back(std::move(entry));
  return model;
}

}  // namespace q8
