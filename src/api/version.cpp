#include "q8/version.h"

#include "base/isa.h"

namespace q8 {

std::string version() {
  return Q8_VERSION;
}

std::vector<IsaSupport> isa_support() {
  std::vector<IsaSupport> list;
  for (const Isa isa : all_isas())
    list.push_back({.name = std::string(isa_name(isa)), .runs_here = cpu_has(isa)});
  return list;
}

}  // namespace q8
