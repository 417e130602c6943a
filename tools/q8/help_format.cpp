#include "help_format.h"

#include <algorithm>

namespace q8::cli {
namespace {

// What the parser has as "TYPE" or "TYPE:CHECK", where a check may be "INT in [1 - 1024]" or
// "{auto,always,never}".
std::string value_name(const CLI::Option& option) {
  std::string name = option.get_type_name();
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) return name;
  name.erase(0, colon + 1);
  if (const std::size_t range = name.find(" in ["); range != std::string::npos) {
    name = name.substr(range + 5, name.size() - range - 6);
    return name.replace(name.find(" - "), 3, "-");
  }
  if (name.starts_with('{')) {
    name = name.substr(1, name.size() - 2);
    std::ranges::replace(name, ',', '|');
  }
  return name;
}

}  // namespace

std::string HelpFormat::make_option_name(const CLI::Option* option, bool is_positional) const {
  std::string name = Formatter::make_option_name(option, is_positional);
  // The parser marks flags that switch something off.
  if (const std::size_t mark = name.find("{false}"); mark != std::string::npos) name.erase(mark, 7);
  return name;
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return "";
  std::string text = " " + value_name(*option);
  if (option->get_expected_max() >= CLI::detail::expected_max_vector_size) text += " ...";
  if (option->get_required()) text += " (required)";
  return text;
}

}  // namespace q8::cli
