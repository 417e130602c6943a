#include "config_file.h"

#include <algorithm>

namespace q8::cli {
namespace {

// The command that a line of the file is about; nullptr where there is none.
const CLI::App* command_of(const CLI::App& app, const CLI::ConfigItem& item) {
  const CLI::App* command = &app;
  for (const std::string& name : item.parents) {
    const auto found = command->get_subcommands(
        [&](const CLI::App* subcommand) { return subcommand->get_name() == name; });
    if (found.empty()) return nullptr;
    command = found[0];
  }
  return command;
}

bool was_given(const CLI::Option* option) {
  return option->count() > 0;
}

// --percentile of a file that is there for all runs says nothing to a line whose --observer has
// none; on one line, the two contradict each other. What --observer-for names may have it as well.
bool needs_no_percentile(const CLI::App& command, const std::vector<CLI::ConfigItem>& items) {
  const CLI::Option* observer = command.get_option_no_throw("--observer");
  if (observer == nullptr || !was_given(observer)) return false;
  if (was_given(command.get_option("--observer-for")) ||
      std::ranges::find(items, "observer-for", &CLI::ConfigItem::name) != items.end())
    return false;
  const std::string& name = observer->results().front();
  return name != "percentile" && name != "auto";
}

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  std::vector<CLI::ConfigItem> items = ConfigBase::from_config(input);
  const std::vector<CLI::ConfigItem> all = items;
  std::erase_if(items, [&](const CLI::ConfigItem& item) {
    const CLI::App* command = command_of(app_, item);
    const CLI::Option* option =
        command == nullptr ? nullptr : command->get_option_no_throw("--" + item.name);
    if (option == nullptr) return false;  // the parser says so
    if (std::ranges::any_of(option->get_excludes(), was_given)) return true;
    if (item.name == "percentile" && needs_no_percentile(*command, all)) return true;
    if (!was_given(option) && (command == &app_ || command->parsed())) taken_.push_back(item.name);
    return false;
  });
  return items;
}

std::string ConfigFile::origin_of_options(const std::string& message) const {
  std::string names;
  for (const std::string& name : taken_)
    if (message.find("--" + name) != std::string::npos ||
        message.find(name + " '") != std::string::npos)
      names += (names.empty() ? "" : ", ") + name;
  if (names.empty()) return "";
  return " (from " + app_.get_config_ptr()->as<std::string>() + ": " + names + ")";
}

}  // namespace q8::cli
