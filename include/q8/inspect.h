#pragma once

#include <filesystem>
#include <string>

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

// A calibration profile as a page with every histogram and range drawn, for a browser.
std::string profile_page(const std::filesystem::path& profile);

// A calibration profile's ranges by an observer, in another quantizer's format: "ort-json" or
// "tensorrt-cache".
std::string export_profile(const std::filesystem::path& profile, const std::string& format,
                           const std::string& observer);

// Whole or not at all.
void save_text(const std::string& content, const std::filesystem::path& file);

}  // namespace q8
