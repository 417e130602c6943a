#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "console.h"
#include "q8/output_file.h"

namespace q8::cli {

// --json of commands whose one result is a text or JSON: into a file where one is named, else to
// stdout in place of the text.
class JsonOutput {
 public:
  void add_to(CLI::App& command);

  bool is_asked_for() const;
  OutputFile file() const;  // for check_outputs()
  // The result, JSON where that is asked for.
  void deliver(const std::string& result, Console& console) const;

 private:
  std::string where_ = kNotAsked;
  static constexpr const char* kNotAsked = "false";  // what q8.toml says of options alike
};

// Where the user wants it: a file, or stdout for "-" and for no name at all.
void deliver(Console& console, const std::string& where, const std::string& content);

}  // namespace q8::cli
