#include "percentage.h"

#include <charconv>
#include <cmath>

#include "q8/error.h"

namespace q8::cli {

double parse_percentage(const std::string& option, const std::string& text,
                        bool one_may_be_a_share) {
  const Error wrong = usage_error(option + " " + text + ": expected a percentage such as 1%");
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || !std::isfinite(value)) throw wrong;
  std::string rest(parsed.ptr, end);
  std::erase(rest, ' ');
  if (!rest.empty() && rest != "%") throw wrong;
  if (std::abs(value) > 100) throw usage_error(option + " " + text + ": more than 100 %");
  const bool may_be_a_share =
      value != 0 && (std::abs(value) < 1 || (one_may_be_a_share && value == 1));
  if (rest.empty() && may_be_a_share)
    throw usage_error(option + " " + text + ": a share or a percentage? Write " + text + "% or " +
                      std::to_string(100 * value).substr(0, 4) + "%");
  return value / 100;
}

}  // namespace q8::cli
