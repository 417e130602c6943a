#include "inspect/lint.h"

#include "onnx_io/load.h"
#include "q8/inspect.h"
#include "report/lint_report.h"

namespace q8 {

Inspection lint_file(const std::filesystem::path& model, const LintOptions& options) {
  const Target& target = find_target(options.target);
  const LintResult result = lint(load_model(model).graph, target);
  const std::string name = model.filename().string();
  const bool passed = result.count(FindingLevel::kError) == 0 &&
                      (!options.strict || result.count(FindingLevel::kWarning) == 0);
  return {.text = options.json ? lint_json(result, target, name) : lint_text(result, target, name),
          .passed = passed};
}

}  // namespace q8
