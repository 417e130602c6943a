#include "suggest.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "q8/nearest_name.h"

namespace q8::cli {
namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  // One letter in three may be wrong, or two may be swapped: more makes another word of it.
  std::size_t least = std::max<std::size_t>(word.size() < 6 ? 1 : 2, word.size() / 3) + 1;
  for (const std::string& name : known)
    if (const std::size_t distance = edit_distance(word, name); distance < least) {
      least = distance;
      best = name;
    }
  return best;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

}  // namespace

std::string suggestion(const CLI::App& app, std::span<char*> arguments) {
  const CLI::App* command = nullptr;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string word = arguments[i];
    if (word.rfind("--", 0) == 0) {
      std::vector<std::string> known = option_names(app);
      if (command != nullptr)
        for (const std::string& name : option_names(*command)) known.push_back(name);
      const std::string plain = word.substr(0, word.find('='));
      if (std::find(known.begin(), known.end(), plain) == known.end()) return nearest(plain, known);
      continue;
    }
    if (command != nullptr || word.rfind("-", 0) == 0) continue;
    command = find_command(app, word);
    if (command == nullptr) return nearest(word, command_names(app));
  }
  return {};
}

std::string key_suggestion(const CLI::App& app, const std::string& key) {
  const std::size_t dot = key.find('.');
  const std::string section = key.substr(0, dot);
  const CLI::App* command = find_command(app, section);
  if (command == nullptr) return nearest(section, command_names(app));
  const std::string option = nearest("--" + key.substr(dot + 1), option_names(*command));
  return option.empty() ? option : section + "." + option.substr(2);
}

}  // namespace q8::cli
