#include "q8/inspect.h"

#include "api/model_file.h"
#include "base/file.h"
#include "calib/profile.h"
#include "onnx_io/load.h"
#include "report/calibration_table.h"
#include "report/formats.h"
#include "report/json_reader.h"
#include "report/model_summary.h"
#include "report/plan_json.h"
#include "report/profile_html.h"
#include "report/profile_summary.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

enum class FileKind { kModel, kProfile, kReport };

// A profile says what it is in its first field; no ONNX model begins with a brace.
FileKind kind_of(std::string_view content) {
  constexpr std::string_view kProfileMark = "q8 calibration profile";
  if (content.substr(0, 64).find(kProfileMark) != std::string_view::npos) return FileKind::kProfile;
  const std::size_t begin = content.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && content[begin] == '{' ? FileKind::kReport
                                                                  : FileKind::kModel;
}

std::string inspect_model(const fs::path& file, bool json) {
  const Model model = load_model(file);
  ModelSummary summary = summarize(model);
  summary.file = file.filename().string();
  summary.sha256 = model_sha256(file, model);
  summary.bytes = size_on_disk(file, model);
  return json ? summary_json(summary) : summary_text(summary);
}

}  // namespace

std::string inspect_file(const fs::path& file, bool json) {
  const MappedFile content(file);
  switch (kind_of(content.text())) {
    case FileKind::kProfile: {
      const CalibrationProfile profile = load_profile(file);
      const std::string name = file.filename().string();
      return json ? profile_json(profile, name) : profile_text(profile, name);
    }
    case FileKind::kReport: {
      if (is_plan_json(content.text())) {
        const QuantizationPlan plan = read_plan_json(content.text(), file.string());
        return json ? std::string(content.text()) : describe(plan);
      }
      const ValidationReport report = parse_json_report(content.text(), file.string());
      return json ? std::string(content.text()) : render_text(report);
    }
    case FileKind::kModel:
      break;
  }
  return inspect_model(file, json);
}

void save_text(const std::string& content, const fs::path& file) {
  write_file_atomically(file, content);
}

std::string profile_page(const fs::path& profile) {
  return profile_html(load_profile(profile), profile.filename().string());
}

std::string export_profile(const fs::path& profile, const std::string& format,
                           const std::string& observer) {
  const CalibrationTableRow& table = find_calibration_table(format);
  return table.write(load_profile(profile), observer);
}

}  // namespace q8
