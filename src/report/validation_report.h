#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "q8/validate.h"

namespace q8 {

// A model file as reports name it: without its folder, so that equal inputs give equal reports.
struct ReportedModel {
  std::string file, sha256;
  std::int64_t bytes = 0;
};

// All that a report is made of.
struct ValidationReport {
  Validation validation;
  ReportedModel fp32, int8;
  std::string q8_version = {};
  std::string profile_sha256 = {};  // empty: judged without a profile
  std::int64_t calibration_samples = 0;
  std::vector<std::pair<std::string, std::string>> provenance =
      {};                  // the INT8 model's q8.* metadata
  bool per_class = false;  // for terminals: a table of all classes, not the worst alone
};

// Classes by their loss of accuracy, the largest first; then by INT8 accuracy, the least first;
// then by index.
std::vector<ClassResult> worst_first(std::vector<ClassResult> classes);

}  // namespace q8
