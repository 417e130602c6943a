#include "inspect/diff.h"

#include "onnx_io/load.h"
#include "q8/inspect.h"
#include "report/diff_report.h"

namespace q8 {

Inspection diff_files(const std::filesystem::path& a, const std::filesystem::path& b,
                      const DiffOptions& options) {
  ModelDiff diff = diff_models(load_model(a), load_model(b));
  if (options.ignore_metadata) diff.metadata.clear();
  return {.text = options.json ? diff_json(diff, a.string(), b.string())
                               : diff_text(diff, a.string(), b.string()),
          .passed = diff.same()};
}

}  // namespace q8
