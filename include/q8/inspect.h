#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "q8/host.h"

namespace q8 {

// What is in an ONNX model, a calibration profile (.q8cal) or a JSON report of `q8 validate`, told
// apart by their content: tables for a terminal, or JSON. Throws bad_input where it is none of
// them.
std::string inspect_file(const std::filesystem::path& file, bool json);

// What a check of a file says, and whether the file passed it.
struct Inspection {
  std::string text;
  bool passed = true;
};

struct LintOptions {
  std::string target;   // a row of list_targets()
  bool strict = false;  // warnings fail too
  bool json = false;
};

// Holds a quantized model, of whatever quantizer, against what a target can do. Throws usage_error
// for an unknown target, bad_input for what is no model.
Inspection lint_file(const std::filesystem::path& model, const LintOptions& options);

struct VerifyOptions {
  // Nothing: that beside the model which it was made with.
  std::optional<std::filesystem::path> calibration;
  std::optional<std::filesystem::path> source;  // nothing: the one that the profile was made of
  std::optional<std::filesystem::path> plan;    // nothing: it was made, or given as it was made
  bool json = false;
};

// Recomputes the hashes in the metadata of a model that q8 quantized: of the model's own graph, the
// float model, profile, samples and plan. Passed where none differs; what cannot be recomputed for
// want of a file is said. Throws bad_input for models without provenance.
Inspection verify_file(const std::filesystem::path& model, const VerifyOptions& options,
                       const Host& host);

struct DiffOptions {
  bool ignore_metadata = false;
  bool json = false;
};

// Compares two models: nodes, scales and zero points, weights, metadata; passed where nothing
// differs. Throws bad_input for what is no model.
Inspection diff_files(const std::filesystem::path& a, const std::filesystem::path& b,
                      const DiffOptions& options);

// A calibration profile as a page with every histogram and range drawn, for a browser.
std::string profile_page(const std::filesystem::path& profile);

// A calibration profile's ranges by an observer, in another quantizer's format: "ort-json" or
// "tensorrt-cache". Throws usage_error for unknown names.
std::string export_profile(const std::filesystem::path& profile, const std::string& format,
                           const std::string& observer);

// Whole or not at all. Throws resource_error where it cannot be written.
void save_text(const std::string& content, const std::filesystem::path& file);

}  // namespace q8
