#include "base/timestamp.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "base/error.h"

namespace q8 {

std::string utc_timestamp() {
  std::time_t seconds = std::time(nullptr);
  if (const char* given = std::getenv("SOURCE_DATE_EPOCH")) {
    constexpr std::time_t kEndOfYear9999 = 253402300799;
    const std::string_view text(given);
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (problem != std::errc() || end != text.data() + text.size() || seconds < 0 ||
        seconds > kEndOfYear9999)
      throw usage_error("SOURCE_DATE_EPOCH is '" + std::string(text) +
                        "', not a number of seconds since 1970");
  }
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {buffer.data(), size};
}

}  // namespace q8
