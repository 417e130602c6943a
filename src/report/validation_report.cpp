#include "report/validation_report.h"

#include <algorithm>
#include <tuple>

namespace q8 {

std::vector<ClassResult> worst_first(std::vector<ClassResult> classes) {
  std::ranges::sort(classes, {}, [](const ClassResult& result) {
    return std::tuple(-result.drop(), result.int8(), result.index);
  });
  return classes;
}

}  // namespace q8
