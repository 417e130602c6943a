#pragma once

#include <string_view>
#include <vector>

#include "base/isa.h"

namespace q8 {

// What is compiled in: one kind of kernel and its rows, best first.
struct KernelKind {
  struct Row {
    std::string_view name;
    Isa isa;
  };
  std::string_view name;
  std::vector<Row> rows;
};
std::vector<KernelKind> kernel_kinds();

}  // namespace q8
