#pragma once

#include <string>
#include <vector>

namespace q8 {

std::string version();  // "0.1.0"

// An instruction set that q8 has kernels for.
struct IsaSupport {
  std::string name;
  bool runs_here = false;
};
std::vector<IsaSupport> isa_support();

// A kind of kernel with the rows that are compiled in, best first. The first one that runs here is
// used, unless --isa forbids it.
struct KernelSupport {
  std::string kind;
  std::vector<IsaSupport> rows;
};
std::vector<KernelSupport> kernel_support();

}  // namespace q8
