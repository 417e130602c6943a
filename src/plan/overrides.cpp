#include "plan/overrides.h"

#include <charconv>

#include "base/error.h"
#include "calib/observers/observers.h"

namespace q8 {
namespace {

struct Assignment {
  std::string_view pattern, value;
};

Assignment split(std::string_view text, std::string_view option, std::string_view form) {
  const std::size_t equals = text.rfind('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size())
    throw usage_error(std::string(option) + " '" + std::string(text) + "': expected " +
                      std::string(form));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_percentile(std::string_view text, std::string_view whole) {
  double percentile = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percentile);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(percentile > 50 && percentile <= 100))
    throw usage_error("--observer-for '" + std::string(whole) + "': '" + std::string(text) +
                      "' is no percentile above 50 and up to 100");
  return percentile;
}

}  // namespace

ObserverFor parse_observer_for(std::string_view text) {
  const auto [pattern, value] =
      split(text, "--observer-for", "PATTERN=OBSERVER, such as 'head/*=percentile:99.9'");
  ObserverFor row{.pattern = std::string(pattern), .observer = ""};
  const std::size_t colon = value.find(':');
  row.observer = find_observer(value.substr(0, colon)).name;
  if (colon == std::string_view::npos) return row;
  if (row.observer != "percentile")
    throw usage_error("--observer-for '" + std::string(text) +
                      "': only the observer percentile takes a number");
  row.percentile = parse_percentile(value.substr(colon + 1), text);
  return row;
}

DType activation_type(std::string_view name) {
  constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"u8", DType::kU8}, {"s8", DType::kS8}, {"u16", DType::kU16}, {"s16", DType::kS16}};
  for (const auto& [known, type] : kTypes)
    if (name == known) return type;
  throw usage_error("'" + std::string(name) +
                    "' is not a type: expected u8, s8, u16, s16 or float");
}

TypeFor parse_type_for(std::string_view text) {
  const auto [pattern, value] = split(text, "--type-for", "PATTERN=u8, s8, u16, s16 or float");
  try {
    if (value != "float") activation_type(value);
  } catch (const Error& error) {
    throw error.within("--type-for '" + std::string(text) + "'");
  }
  return {.pattern = std::string(pattern), .type = std::string(value)};
}

}  // namespace q8
