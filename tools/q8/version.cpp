#include "version.h"

#include <algorithm>

#include "q8/version.h"

namespace q8::cli {

std::string version_text(bool verbose) {
  std::string text = "q8 " + version() + "\n";
  if (!verbose) return text;
  for (const IsaSupport& isa : isa_support())
    text += "  " + isa.name + (isa.runs_here ? "\n" : " (not on this CPU)\n");
  text += "kernels, best first; this CPU runs the one in brackets:\n";
  for (const KernelSupport& kernel : kernel_support()) {
    text +=
        "  " + kernel.kind + std::string(18 - std::min<std::size_t>(17, kernel.kind.size()), ' ');
    bool used = false;
    for (const IsaSupport& row : kernel.rows) {
      text += !used && row.runs_here ? " [" + row.name + "]" : " " + row.name;
      used = used || row.runs_here;
    }
    text += "\n";
  }
  return text;
}

}  // namespace q8::cli
