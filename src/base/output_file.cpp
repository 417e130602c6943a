#include "q8/output_file.h"

#include "base/error.h"
#include "base/file.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStdout = "-";

// Whether both name one file, through links or not; or will, once it is written.
bool same_file(const fs::path& a, const fs::path& b) {
  if (a.empty() || b.empty()) return false;
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const fs::path first = fs::weakly_canonical(fs::absolute(a), error);
  if (error) return false;  // opening it will say why
  return first == fs::weakly_canonical(fs::absolute(b), error) && !error;
}

}  // namespace

void check_outputs(const std::vector<OutputFile>& outputs, const std::vector<fs::path>& inputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (output->path.empty()) continue;
    const std::string text = output->option + " " + output->path.string();
    for (auto other = outputs.begin(); other != output; ++other)
      if (other->path == output->path || same_file(other->path, output->path))
        throw usage_error(text + " is the output of " + other->option + " as well");
    if (output->path == kStdout) {
      if (output->may_be_stdout) continue;
      throw usage_error(text + ": this output is a file, not stdout; for a file of that name: ./-");
    }
    for (const fs::path& input : inputs)
      if (same_file(output->path, input)) throw usage_error(text + " is an input");
    check_writable(output->path);
  }
}

}  // namespace q8
