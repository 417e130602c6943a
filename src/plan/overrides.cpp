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

double parse_number(std::string_view text, double over, double up_to, const std::string& whole) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(number > over && number <= up_to))
    throw usage_error(whole + ": '" + std::string(text) + "' is no number above " +
                      std::to_string(static_cast<int>(over)) + " and up to " +
                      std::to_string(static_cast<int>(up_to)));
  return number;
}

}  // namespace

ObserverFor parse_observer(std::string_view text, const std::string& where) {
  ObserverFor row{.pattern = "*", .observer = ""};
  const std::size_t colon = text.find(':');
  row.observer = find_observer(text.substr(0, colon)).name;
  if (colon == std::string_view::npos) return row;
  const std::string_view number = text.substr(colon + 1);
  if (row.observer == "percentile")
    row.percentile = parse_number(number, 50, 100, where);
  else if (row.observer == "auto")
    row.clip_weight = parse_number(number, 0, 1e6, where);
  else
    throw usage_error(where + ": only the observers percentile and auto take a number");
  return row;
}

ObserverFor parse_observer_for(std::string_view text) {
  const auto [pattern, value] =
      split(text, "--observer-for", "PATTERN=OBSERVER, such as 'head/*=percentile:99.9'");
  ObserverFor row = parse_observer(value, "--observer-for '" + std::string(text) + "'");
  row.pattern = pattern;
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
