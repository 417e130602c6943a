#include "config_file.h"

#include <algorithm>

namespace q8::cli {
namespace {

// The option that a line of the file means; nullptr where there is none, which the parser reports.
const CLI::Option* option_of(const CLI::App& app, const CLI::ConfigItem& item) {
  const CLI::App* command = &app;
  for (const std::string& name : item.parents) {
    const auto found = command->get_subcommands(
        [&](const CLI::App* subcommand) { return subcommand->get_name() == name; });
    if (found.empty()) return nullptr;
    command = found[0];
  }
  return command->get_option_no_throw("--" + item.name);
}

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  std::vector<CLI::ConfigItem> items = ConfigBase::from_config(input);
  std::erase_if(items, [&](const CLI::ConfigItem& item) {
    const CLI::Option* option = option_of(app_, item);
    return option != nullptr &&
           std::ranges::any_of(option->get_excludes(),
                               [](const CLI::Option* other) { return other->count() > 0; });
  });
  return items;
}

}  // namespace q8::cli
