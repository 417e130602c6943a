#include "parse_errors.h"

#include <algorithm>

#include "suggest.h"

namespace q8::cli {
namespace {

// The key of the configuration file that nobody knows, or the name of its section; empty for other
// errors.
std::string unknown_key(const CLI::ParseError& error) {
  const std::string_view kBefore = "INI was not able to parse ", kSection = ".++";
  std::string key = error.what();
  if (!key.starts_with(kBefore)) return {};
  key.erase(0, kBefore.size());
  return key.substr(0, key.find(kSection));
}

std::string without_suggestion(const CLI::App& app, const CLI::ParseError& error) {
  if (const std::string key = unknown_key(error); !key.empty())
    return app.get_config_ptr()->as<std::string>() + ": there is no option '" + key + "'";
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> extras = app.remaining(true);
    const std::string& first = extras.at(0);
    if (first[0] == '-') return "no such option: " + first;
    if (app.get_subcommands().empty()) return "no such command: " + first;
    return "unexpected argument: " + first;
  }
  std::string message = error.what();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ' ');
  const std::string option = message.substr(0, message.find(':'));
  if (message.ends_with(" missing")) return option + ": its value is missing";
  if (message.find(": At Most 1 ") != std::string::npos) return option + " is given more than once";
  return message;
}

}  // namespace

bool asks_for_help(const CLI::App& app) {
  const auto asks = [](const CLI::App* command) { return command->get_help_ptr()->count() > 0; };
  return asks(&app) || std::ranges::any_of(app.get_subcommands(), asks);
}

std::string message_of(const CLI::App& app, const CLI::ParseError& error,
                       std::span<char*> arguments) {
  const std::string key = unknown_key(error);
  const std::string hint = key.empty() ? suggestion(app, arguments) : key_suggestion(app, key);
  return without_suggestion(app, error) + (hint.empty() ? "" : "; did you mean '" + hint + "'?");
}

}  // namespace q8::cli
