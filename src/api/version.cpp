#include "q8/version.h"

#include "base/isa.h"
#include "kernels/kernel_kinds.h"

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

std::vector<KernelSupport> kernel_support() {
  std::vector<KernelSupport> list;
  for (const KernelKind& kind : kernel_kinds()) {
    KernelSupport& support = list.emplace_back();
    support.kind = kind.name;
    for (const KernelKind::Row& row : kind.rows)
      support.rows.push_back({.name = std::string(row.name), .runs_here = cpu_has(row.isa)});
  }
  return list;
}

}  // namespace q8
