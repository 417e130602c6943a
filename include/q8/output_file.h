#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace q8 {

// A file that a command is to write, and the option that says so.
struct OutputFile {
  std::string option;          // "--json", as messages name it
  std::filesystem::path path;  // empty: not asked for
  bool may_be_stdout = false;  // as the name "-"
};

// Says before the work, which may take hours, what would keep its results from being written.
// Throws usage_error where an output is one of the inputs (paths, perhaps empty or not there),
// where two outputs are the same, and where "-" stands for a file that stdout cannot take;
// resource_error as check_writable() in base/file.h.
void check_outputs(const std::vector<OutputFile>& outputs,
                   const std::vector<std::filesystem::path>& inputs);

// Removes what is being written at this moment. For a program that ends at once and without
// destructors, on any thread: a thread that begins an output afterwards waits forever.
void abandon_output_files();

}  // namespace q8
