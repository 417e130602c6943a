#include "number_checks.h"

#include <charconv>
#include <cmath>
#include <string>

namespace q8::cli {
namespace {

// Whether the whole text is a number of that type.
template <typename Number>
bool read(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && at == end;
}

}  // namespace

CLI::Validator whole_number(int least) {
  return CLI::Validator(
      [least](const std::string& text) {
        std::int64_t number = 0;
        if (read(text, number) && number >= least) return std::string();
        return text + ": expected a whole number from " + std::to_string(least) + " up";
      },
      "N");
}

CLI::Validator finite_number() {
  return CLI::Validator(
      [](const std::string& text) {
        double number = 0;
        if (read(text, number) && std::isfinite(number)) return std::string();
        return text + ": expected a number";
      },
      "X");
}

}  // namespace q8::cli
