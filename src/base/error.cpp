#include "base/error.h"

namespace q8 {

void assert_failed(const char* condition, const char* file, int line) {
  const std::string_view path = file;
  const auto src = path.rfind("/src/");
  const auto place = src == std::string_view::npos ? path : path.substr(src + 1);
  throw Error(ErrorKind::kInternal, "internal error: " + std::string(condition) +
                                        " does not hold at " + std::string(place) + ":" +
                                        std::to_string(line) + "; please report it");
}

}  // namespace q8
