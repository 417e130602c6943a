#include "version.h"

#include "q8/version.h"

namespace q8::cli {

std::string version_text(bool verbose) {
  std::string text = "q8 " + version() + "\n";
  if (!verbose) return text;
  for (const IsaSupport& isa : isa_support())
    text += "  " + isa.name + (isa.runs_here ? "\n" : " (not on this CPU)\n");
  return text;
}

}  // namespace q8::cli
