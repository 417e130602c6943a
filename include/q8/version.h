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

}  // namespace q8
