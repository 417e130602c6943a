#pragma once

#include <filesystem>
#include <string>

namespace q8 {

// What is in an ONNX model, a calibration profile (.q8cal) or a JSON report of `q8 validate`, told
// apart by their content: tables for a terminal, or JSON. Throws bad_input where it is none of
// them.
std::string inspect_file(const std::filesystem::path& file, bool json);

}  // namespace q8
